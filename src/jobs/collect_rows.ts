/** Rows that lead nowhere: blobs without a holder, bytes of manifests without a repository, repositories without content. */
import type { RepositoryName } from "../core/repository_name.ts";
import type { EmptyRepository } from "../ports/garbage.ts";
import { removeFiles } from "./collect_holds.ts";
import type { Collect } from "./collect_job.ts";
import type { Doomed } from "./collect_orphans.ts";
import type { Tally } from "./collect_report.ts";
import { walkGarbage } from "./garbage_walk.ts";

/** Rows removed in one transaction. */
const AT_ONCE = 100;

/** Those whose last hold went in some other way than by this run. */
export async function collectUnheldBlobs(job: Collect, tally: Tally): Promise<void> {
  const { garbage, limits: { usedBefore } } = job;
  for await (
    const found of walkGarbage((after) => garbage.listUnheldBlobs(usedBefore, after), AT_ONCE, job.signal)
  ) {
    if (job.dryRun) {
      for (const { digest, size } of found) tally.add({ kind: "blob", digest, bytes: size });
    } else {
      await removeFiles(job, tally, await garbage.removeUnheldBlobs(found, usedBefore));
    }
    job.progress("blobs", tally.counts.blob);
  }
}

export async function collectContents(job: Collect, tally: Tally): Promise<void> {
  const { garbage } = job;
  for await (const found of walkGarbage((after) => garbage.listUnusedContents(after), AT_ONCE, job.signal)) {
    const removed = job.dryRun ? found : await garbage.removeContents(found);
    for (const { digest, size } of removed) tally.add({ kind: "content", digest, bytes: size });
  }
}

/**
 * The history of tags keeps a repository for its time, so that it can be said who deleted what.
 *
 * @param emptied how many holds each repository lost in this run
 */
export async function collectRepositories(
  job: Collect,
  tally: Tally,
  doomed: Doomed,
  emptied: ReadonlyMap<RepositoryName, number>,
): Promise<void> {
  const { garbage, limits: { usedBefore }, now } = job;
  const tell = ({ repository, createdAt }: EmptyRepository): void =>
    tally.add({ kind: "repository", repository, age_ms: now - createdAt });
  for await (
    const found of walkGarbage((after) => garbage.listEmptyRepositories(usedBefore, after), 1, job.signal)
  ) {
    for (const empty of found) {
      if (job.dryRun || await removeRepository(job, empty.repository)) tell(empty);
    }
  }
  if (!job.dryRun) return;
  for (const repository of new Set([...doomed.keys(), ...emptied.keys()])) {
    const without = { manifests: doomed.get(repository)?.size ?? 0, blobs: emptied.get(repository) ?? 0 };
    const empty = await garbage.findAlmostEmpty(repository, without, usedBefore);
    if (empty !== undefined) tell(empty);
  }
}

async function removeRepository(
  { garbage, limits }: Collect,
  repository: RepositoryName,
): Promise<boolean> {
  while (true) {
    const outcome = await garbage.removeRepository(repository, limits.usedBefore);
    if (outcome !== "more") return outcome === "removed";
  }
}
