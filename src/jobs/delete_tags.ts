/** Deletes many tags of a repository: those whose names fit a pattern, and that were pushed long ago. */
import { OciError } from "../core/oci_error.ts";
import { matchesGlob } from "../core/glob.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { Clock } from "../ports/clock.ts";
import type { Inventory, TagFacts } from "../ports/inventory.ts";
import type { Log } from "../ports/log.ts";
import { walkTags } from "./retention_walk.ts";

/** Tags removed in one transaction, which holds up the writes of others. */
const AT_ONCE = 200;

export interface DeleteTags {
  readonly inventory: Inventory;
  readonly clock: Clock;
  readonly log: Log;
  readonly repository: RepositoryName;
  /** With `*` and `?`. */
  readonly pattern: string;
  /** ms since the push of the tag, at least. */
  readonly olderThanMs: number;
  /** True for a tag that must not be deleted. */
  readonly mustStay: (tag: Tag) => boolean;
  readonly dryRun: boolean;
  readonly progress: (what: string, done: number, total?: number) => void;
}

export interface DeletedTags {
  /** Deleted, or in a dry run to be deleted. */
  readonly tags: readonly { readonly tag: Tag; readonly digest: string }[];
  /** Immutable tags that fit and stay. */
  readonly immutable: readonly Tag[];
}

/** @throws {OciError} NAME_UNKNOWN for a repository that has no tags */
export async function deleteTags(job: DeleteTags): Promise<DeletedTags> {
  const { inventory, repository, clock, progress } = job;
  const before = clock.now() - job.olderThanMs;
  const fitting: TagFacts[] = [];
  const immutable: Tag[] = [];
  let seen = 0;
  for await (const tag of walkTags(inventory, repository)) {
    seen++;
    if (tag.pushedAt > before || !matchesGlob(job.pattern, tag.tag)) continue;
    if (job.mustStay(tag.tag)) immutable.push(tag.tag);
    else fitting.push(tag);
  }
  if (seen === 0) {
    throw new OciError("NAME_UNKNOWN", { message: `There are no tags in repository "${repository}"` });
  }
  if (job.dryRun) return { tags: fitting.map(pick), immutable };
  const deleted: TagFacts[] = [];
  for (let start = 0; start < fitting.length; start += AT_ONCE) {
    const some = fitting.slice(start, start + AT_ONCE);
    // A tag that moved meanwhile is not the one that was to go.
    const removed = new Set(await inventory.removeTags(repository, some, clock.now()));
    deleted.push(...some.filter(({ tag }) => removed.has(tag)));
    progress("tags", deleted.length, fitting.length);
  }
  job.log.info("tags deleted by command", { repository, pattern: job.pattern, deleted: deleted.length });
  return { tags: deleted.map(pick), immutable };
}

function pick({ tag, digest }: TagFacts): { tag: Tag; digest: string } {
  return { tag, digest };
}
