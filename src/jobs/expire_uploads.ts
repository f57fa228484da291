/** Ends upload sessions that nobody has continued for a time: clients vanish, their bytes should too. */
import { OciError } from "../core/oci_error.ts";
import type { UploadSessionId } from "../core/upload_session_id.ts";
import type { BlobStore } from "../ports/blob_store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { MetadataStore, UploadSession } from "../ports/metadata_store.ts";
import { lastWriteOf } from "./last_write.ts";

/** Sessions looked at between two pauses. */
const PAGE = 100;

export interface ExpireUploads {
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  /** ms without a write after which a session ends. */
  readonly expiryMs: number;
  /** ms since the epoch: what has an earlier time is as old as that whatever was done to the clock; 0 where nothing is known. */
  readonly surelyBefore: number;
}

/** Sessions that looked idle, with the time of their last write; undefined where the file was missing. */
type Suspects = Map<UploadSessionId, number | undefined>;

const lastSuspects = new WeakMap<BlobStore, Suspects>();

/**
 * Looks at every session once; gives how many were ended. A session that is being written to is left alone.
 *
 * A session ends at the second look in a row that finds it idle and unchanged: when the machine's clock jumps ahead,
 * every session looks idle once, and while a finish is between its rename and its transaction the file is missing. One look is
 * enough where the time of the last write is surely so long ago: a server that is started often would never look twice.
 */
export async function expireUploads(job: ExpireUploads): Promise<number> {
  const before = job.clock.now() - job.expiryMs;
  const former = lastSuspects.get(job.blobs);
  const suspects: Suspects = new Map();
  let ended = 0;
  let after: UploadSessionId | undefined;
  while (true) {
    const page = await job.metadata.listUploads(before, { limit: PAGE, ...(after && { after }) });
    for (const session of page) {
      if (await endIfIdle(job, session, before, former, suspects)) ended++;
    }
    if (page.length < PAGE) break;
    after = page.at(-1)!.id;
  }
  lastSuspects.set(job.blobs, suspects);
  if (ended > 0) job.log.info("expired uploads", { ended });
  return ended;
}

/** One session that cannot be ended must not keep the others. */
async function endIfIdle(
  job: ExpireUploads,
  session: UploadSession,
  before: number,
  former: Suspects | undefined,
  suspects: Suspects,
): Promise<boolean> {
  const { id } = session;
  try {
    const touchedAt = await lastWriteOf(job.blobs, session);
    if (touchedAt !== undefined && touchedAt > before) return false;
    const isOld = touchedAt !== undefined && Math.max(touchedAt, session.startedAt) < job.surelyBefore;
    const wasIdle = former?.has(id) && former.get(id) === touchedAt;
    if (isOld || wasIdle) return await end(job, session, touchedAt);
    suspects.set(id, touchedAt);
  } catch (error) {
    const endedByOthers = error instanceof OciError && error.code === "BLOB_UPLOAD_UNKNOWN";
    if (!endedByOthers) job.log.warn("an idle upload session could not be ended", { session: id, error });
  }
  return false;
}

async function end(
  { metadata, blobs }: ExpireUploads,
  session: UploadSession,
  touchedAt: number | undefined,
): Promise<boolean> {
  const { id, repository, hasFile } = session;
  // The right to append is held while the row goes, so that no request is in the middle of writing.
  const holds = hasFile && touchedAt !== undefined;
  const writer = holds ? await blobs.openUpload(id, "sha256") : undefined;
  if (holds && writer === undefined) return false;
  try {
    // A whole request may have passed between the look and the lock.
    const current = hasFile ? session : await metadata.findUpload(repository, id);
    if (current === undefined || await lastWriteOf(blobs, current) !== touchedAt) return false;
    if (!await metadata.cancelUpload(repository, id)) return false;
  } finally {
    await writer?.close();
  }
  await blobs.removeUpload(id);
  return true;
}
