/** Blobs that a repository holds and no manifest of it references: its hold goes, and with the last hold the blob. */
import type { Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Hold, TakenBlob } from "../ports/garbage.ts";
import type { Collect } from "./collect_job.ts";
import type { Doomed } from "./collect_orphans.ts";
import type { Tally } from "./collect_report.ts";
import { walkGarbage } from "./garbage_walk.ts";

/** Holds removed in one transaction. */
const AT_ONCE = 100;

/** Holders of a blob that a dry run counts; a blob with more stays in its eyes. */
const MOST_HOLDERS = 1000;

/** Gives how many holds each repository lost, or in a dry run would lose. */
export async function collectHolds(
  job: Collect,
  tally: Tally,
  doomed: Doomed,
): Promise<ReadonlyMap<RepositoryName, number>> {
  const { garbage, limits: { usedBefore } } = job;
  const lost = new Map<RepositoryName, number>();
  const tell = ({ repository, digest, size, announcedAt }: Hold): void => {
    lost.set(repository, (lost.get(repository) ?? 0) + 1);
    tally.add({ kind: "hold", repository, digest, bytes: size, age_ms: job.now - announcedAt });
  };
  const dry = new DryHolds();
  for await (
    const found of walkGarbage((after) => garbage.listUnusedHolds(usedBefore, after), AT_ONCE, job.signal)
  ) {
    if (job.dryRun) {
      for (const hold of found) if (dry.add(hold)) tell(hold);
    } else {
      const { holds, blobs } = await garbage.removeHolds(found, usedBefore);
      for (const hold of holds) tell(hold);
      await removeFiles(job, tally, blobs);
    }
    job.progress("holds", tally.counts.hold);
  }
  if (job.dryRun) {
    for await (const hold of holdsOfDoomed(job, doomed)) if (dry.add(hold)) tell(hold);
    await dry.tellBlobs(job, tally);
  }
  return lost;
}

/** Removes the files of blobs whose rows are gone. A file that stays is a stray, for a later run. */
export async function removeFiles(job: Collect, tally: Tally, blobs: readonly TakenBlob[]): Promise<void> {
  for (const { digest, size, file } of blobs) {
    tally.add({ kind: "blob", digest, bytes: size });
    try {
      await job.blobs.remove(file);
    } catch (error) {
      job.log.warn("the file of a collected blob could not be removed", { file, error });
    }
  }
}

/** Holds that only manifests reference which would go. */
async function* holdsOfDoomed({ garbage, limits }: Collect, doomed: Doomed): AsyncGenerator<Hold> {
  for (const [repository, manifests] of doomed) {
    for (const manifest of manifests) {
      for (const below of await garbage.listHoldsBelow(repository, manifest, limits.usedBefore)) {
        if (below.manifests.every((other) => manifests.has(other))) yield below.hold;
      }
    }
  }
}

/** The holds of a dry run, which tell what blobs would go. */
class DryHolds {
  readonly #seen = new Map<Digest, { readonly hold: Hold; readonly repositories: Set<RepositoryName> }>();

  /** False for one that was there. */
  add(hold: Hold): boolean {
    const known = this.#seen.get(hold.digest);
    if (known === undefined) {
      this.#seen.set(hold.digest, { hold, repositories: new Set([hold.repository]) });
      return true;
    }
    if (known.repositories.has(hold.repository)) return false;
    known.repositories.add(hold.repository);
    return true;
  }

  async tellBlobs({ metadata }: Collect, tally: Tally): Promise<void> {
    for (const { hold: { digest, size }, repositories } of this.#seen.values()) {
      const holders = await metadata.listHolders(digest, MOST_HOLDERS);
      if (holders.length < MOST_HOLDERS && holders.every((holder) => repositories.has(holder))) {
        tally.add({ kind: "blob", digest, bytes: size });
      }
    }
  }
}
