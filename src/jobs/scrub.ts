/** Scrub: reads everything again, holds it against its digests, and says what is missing, damaged or nobody's. */
import type { Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import { Pace } from "./pace.ts";
import { checkBlob, isBlobMended, repairBlob } from "./scrub_blob.ts";
import { findFiles } from "./scrub_files.ts";
import { checkManifest, repairManifest } from "./scrub_manifest.ts";
import { describeComplaint, describeLooseEnd } from "./scrub_reference.ts";
import type { Finding, ScrubReport } from "./scrub_report.ts";
import { SCRUB_PARTS, type ScrubPart, ScrubRun } from "./scrub_run.ts";
import type { Scrub, ScrubWork } from "./scrub_work.ts";

/** Rows that are read at once. */
const PAGE = 500;

/** Loose ends of one kind that are named of one repository. */
const MOST_LOOSE_ENDS = 1000;

/**
 * Runs to the end or until the signal. Pushes, deletes and collections may run beside it: what changes while it looks is
 * looked up again before anything is said of it.
 *
 * @throws what keeps it from reading, such as a file that may not be opened; it goes on from there the next time
 */
export async function scrub(job: Scrub): Promise<ScrubReport> {
  const { memory, clock, log, restart, signal } = job;
  const work: ScrubWork = { ...job, pace: new Pace(job.rate, signal) };
  const run = await ScrubRun.open(memory, clock, log, restart);
  try {
    for (const part of SCRUB_PARTS.slice(SCRUB_PARTS.indexOf(run.part))) {
      if (part !== run.part || run.after === undefined) await run.enter(part);
      await PARTS[part](work, run);
    }
    await dropWhatIsMended(work, run);
    return await run.end(clock);
  } catch (error) {
    const report = await run.stop(clock);
    if (signal.aborted) return report;
    throw error;
  }
}

const PARTS: Readonly<Record<ScrubPart, (work: ScrubWork, run: ScrubRun) => Promise<void>>> = {
  async database(work, run) {
    work.progress({ what: "database", done: 0, unit: "items" });
    for (const complaint of await work.store.checkIntegrity()) run.add(describeComplaint(complaint));
    work.signal.throwIfAborted();
  },

  async blobs(work, run) {
    const { store, pace, progress } = work;
    const { blobBytes: total } = await store.count();
    for (let after = run.after as Digest | undefined;;) {
      const page = await store.listBlobs(after, PAGE);
      for (const record of page) {
        let read = 0;
        const finding = await checkBlob(work, record, async (bytes) => {
          read += bytes;
          progress({ what: "blobs", done: run.bytes + read, total, unit: "bytes" });
          await pace.spend(bytes);
        });
        if (finding !== undefined) run.add(await repairBlob(work, finding));
        await run.passBlob(record.digest, read);
        work.signal.throwIfAborted();
      }
      if (page.length < PAGE) return;
      after = page.at(-1)!.digest;
    }
  },

  async manifests(work, run) {
    const { store, pace, progress } = work;
    const { manifests: total } = await store.count();
    for (let after = run.after as Digest | undefined;;) {
      const page = await store.listContents(after, PAGE);
      for (const digest of page) {
        const finding = await checkManifest(work, digest, (bytes) => pace.spend(bytes));
        if (finding !== undefined) run.add(await repairManifest(work, finding));
        await run.passManifest(digest);
        progress({ what: "manifests", done: run.manifests, total, unit: "items" });
      }
      if (page.length < PAGE) return;
      after = page.at(-1)!;
    }
  },

  async references({ store, mayLackBlobs, signal, progress }, run) {
    let done = 0;
    let after: RepositoryName | undefined;
    while (true) {
      const page = await store.listRepositories(after, PAGE);
      for (const repository of page) {
        for (const end of await store.findLooseEnds(repository, MOST_LOOSE_ENDS)) {
          const isAllowed = end.kind === "reference" && mayLackBlobs(repository);
          if (!isAllowed) run.add(describeLooseEnd(repository, end));
        }
        signal.throwIfAborted();
        progress({ what: "references", done: ++done, unit: "items" });
      }
      if (page.length < PAGE) return;
      after = page.at(-1)!;
    }
  },

  async files(work, run) {
    for await (const finding of findFiles(work)) run.add(finding);
  },
};

/** A scrub may take days, and what it found at its beginning may have been pushed again or deleted since. */
async function dropWhatIsMended(work: ScrubWork, run: ScrubRun): Promise<void> {
  const mended = new Set<Finding>();
  for (const finding of run.findings) if (await isMended(work, finding)) mended.add(finding);
  run.drop(mended);
}

async function isMended(work: ScrubWork, finding: Finding): Promise<boolean> {
  const { store, files } = work;
  const { kind, digest, path, repair } = finding;
  if (repair !== undefined || kind === "dangling" || kind === "database") return false;
  if (kind === "stray") return await files.changedAt(path!) === undefined;
  // Of a manifest, unless it is gone.
  if (path === undefined && await store.readContent(digest!) !== undefined) return false;
  return await isBlobMended(work, finding);
}
