/** Files that nothing names: a crash came between the removal of a row and that of its file, or the disk refused it. */
import type { UploadSessionId } from "../core/upload_session_id.ts";
import type { BlobStore } from "../ports/blob_store.ts";
import type { FileInspector } from "../ports/file_inspector.ts";
import type { Log } from "../ports/log.ts";
import type { NamedFile, ScrubStore } from "../ports/scrub_store.ts";
import type { Tally } from "./collect_report.ts";

export interface CollectStrays {
  readonly blobs: BlobStore;
  readonly files: Pick<FileInspector, "listFolders" | "changedAt" | "pathOfBlob" | "pathOfUpload" | "sizeOf">;
  readonly store: Pick<ScrubStore, "listUnknownFiles" | "listUnknownUploads">;
  readonly log: Log;
  /** ms since the epoch: a file that changed at that time or later stays. */
  readonly usedBefore: number;
  /** ms since the epoch, for the ages in the report. */
  readonly now: number;
  /** True for a path, below the data directory, where a stray has lain for long enough. */
  readonly isRipe: (path: string) => boolean;
  /** Only says what would be removed. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/**
 * A file of a name that no program gave is nobody's garbage: it stays, and a scrub tells of it. Reading a folder lets others
 * have the thread.
 */
export async function collectStrays(job: CollectStrays, tally: Tally): Promise<void> {
  const { files, store } = job;
  for await (const { blobs, uploads } of files.listFolders()) {
    if (job.signal.aborted) return;
    const unknown = new Set(await store.listUnknownFiles(blobs));
    for (const named of blobs) if (unknown.has(named.file)) await takeBlobFile(job, tally, named);
    for (const id of await store.listUnknownUploads(uploads)) await takeUploadFile(job, tally, id);
  }
}

async function takeBlobFile(job: CollectStrays, tally: Tally, named: NamedFile): Promise<void> {
  const { files, store, blobs } = job;
  const path = files.pathOfBlob(named.file);
  await take(job, tally, path, {
    size: async () => await files.sizeOf(named.file) ?? 0,
    isStray: async () => (await store.listUnknownFiles([named])).length > 0,
    remove: () => blobs.remove(named.file),
  });
}

async function takeUploadFile(job: CollectStrays, tally: Tally, id: UploadSessionId): Promise<void> {
  const { files, store, blobs } = job;
  await take(job, tally, files.pathOfUpload(id), {
    size: () => blobs.uploadSize(id),
    isStray: async () => (await store.listUnknownUploads([id])).length > 0,
    remove: () => blobs.removeUpload(id),
  });
}

interface StrayFile {
  /** Bytes. */
  size(): Promise<number>;
  isStray(): Promise<boolean>;
  remove(): Promise<void>;
}

/** One file that cannot be removed must not keep the others. */
async function take(job: CollectStrays, tally: Tally, path: string, file: StrayFile): Promise<void> {
  const { usedBefore, dryRun, isRipe, files, log, now } = job;
  try {
    const isOldEnough = isRipe(path);
    const changedAt = await files.changedAt(path);
    if (!isOldEnough || changedAt === undefined || changedAt >= usedBefore) return;
    const bytes = await file.size();
    if (!dryRun) {
      // Once nothing names a file nothing ever will, but a commit may have come between the listing and the look.
      if (!await file.isStray()) return;
      await file.remove();
    }
    tally.add({ kind: "stray", path, bytes, age_ms: now - changedAt });
  } catch (error) {
    log.warn("a stray file could not be removed", { path, error });
  }
}
