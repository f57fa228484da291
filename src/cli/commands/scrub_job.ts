/** Puts a scrub together on a data directory, in whichever thread it runs. */
import { findCovering } from "../../core/covering_name.ts";
import type { RepositoryName } from "../../core/repository_name.ts";
import { scrub } from "../../jobs/scrub.ts";
import type { ScrubReport } from "../../jobs/scrub_report.ts";
import type { Scrub } from "../../jobs/scrub_work.ts";
import { DirectoryInspector } from "../../storage/files/directory_inspector.ts";
import { JsonFile } from "../../storage/files/json_file.ts";
import type { Layout } from "../../storage/files/layout.ts";
import { nodeHasher } from "../../storage/node_hasher.ts";
import { openForReading } from "../../storage/sqlite/open_database.ts";
import { SqliteScrubStore } from "../../storage/sqlite/sqlite_scrub_store.ts";
import { systemClock } from "../wire.ts";

/** A file that nobody names is put aside when nothing has changed it for an hour. */
const STRAY_AGE_MS = 60 * 60 * 1000;

/** Plain values, so that they can be posted to a thread. */
export interface ScrubOptions {
  /** Bytes a second, 0 for no limit. */
  readonly rate: number;
  /** Whether damaged and stray files are put aside. */
  readonly repair: boolean;
  readonly restart: boolean;
  /** Repositories in which, and below which, manifests may lack their config and layers; "all" for everywhere. */
  readonly mayLackBlobs: "all" | readonly RepositoryName[];
  /** ms until a file that nobody names is looked at again: a request that replaces or deletes takes no longer. */
  readonly settleMs: number;
}

export interface ScrubSurroundings extends Pick<Scrub, "log" | "signal" | "progress" | "areRemovalsHeld"> {
  readonly withdrawals: NonNullable<Scrub["withdrawals"]>;
}

/** Runs a scrub on a connection of its own. */
export async function runScrub(
  layout: Layout,
  { repair, mayLackBlobs, ...options }: ScrubOptions,
  { withdrawals, ...surroundings }: ScrubSurroundings,
): Promise<ScrubReport> {
  using store = new SqliteScrubStore(openForReading(layout.database));
  return await scrub({
    store,
    files: new DirectoryInspector(layout),
    hasher: nodeHasher,
    memory: scrubMemoryOf(layout),
    clock: systemClock,
    strayAgeMs: STRAY_AGE_MS,
    mayLackBlobs: lackingIn(mayLackBlobs),
    ...options,
    ...surroundings,
    ...(repair && { withdrawals }),
  });
}

function lackingIn(mayLackBlobs: ScrubOptions["mayLackBlobs"]): (repository: RepositoryName) => boolean {
  if (mayLackBlobs === "all") return () => true;
  const names = new Map(mayLackBlobs.map((name) => [name as string, true]));
  return (repository) => findCovering(names, repository) !== undefined;
}

/** Where a scrub keeps its place, and what the last one found. */
export function scrubMemoryOf(layout: Layout): JsonFile {
  return new JsonFile(layout.scrubState);
}
