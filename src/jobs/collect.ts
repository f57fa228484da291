/** The collection of garbage: lets go what nothing leads to any more, while pushes go on. */
import { collectHolds } from "./collect_holds.ts";
import type { Collect } from "./collect_job.ts";
import { collectOrphans } from "./collect_orphans.ts";
import { type CollectReport, Tally } from "./collect_report.ts";
import { collectStrays } from "./collect_strays.ts";
import { collectContents, collectRepositories, collectUnheldBlobs } from "./collect_rows.ts";

/**
 * One run: referrers whose subject is gone, holds that no manifest references, blobs that nobody holds, bytes of manifests
 * that nobody has, repositories without anything, and where it was asked for files that nothing names. Each step makes more
 * garbage for the next one.
 */
export async function collect(job: Collect): Promise<CollectReport> {
  const start = performance.now();
  const { dryRun, log } = job;
  const tally = new Tally((item) => {
    if (dryRun) return;
    // Manifests are what people pushed; everything else follows from them.
    if (item.kind === "referrer") log.info("collected", { ...item });
    else log.debug("collected", { ...item });
  });
  const doomed = await collectOrphans(job, tally);
  const emptied = await collectHolds(job, tally, doomed);
  await collectUnheldBlobs(job, tally);
  await collectContents(job, tally);
  await collectRepositories(job, tally, doomed, emptied);
  if (job.strays !== undefined) {
    await collectStrays({ ...job, ...job.strays, usedBefore: job.limits.usedBefore }, tally);
  }
  const report: CollectReport = {
    dry_run: dryRun,
    counts: tally.counts,
    bytes_freed: tally.bytesFreed,
    ms: Math.round(performance.now() - start),
    items: tally.items,
  };
  if (!dryRun) {
    const { counts, bytes_freed, ms } = report;
    log.info("garbage collected", { ...counts, bytes_freed, ms });
  }
  return report;
}
