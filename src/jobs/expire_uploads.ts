/** Ends upload sessions that nobody has continued for a time: clients vanish, their bytes should too. */
import type { UploadSessionId } from "../core/upload_session_id.ts";
import type { BlobStore } from "../ports/blob_store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { MetadataStore, UploadSession } from "../ports/metadata_store.ts";

/** Sessions looked at between two pauses. */
const PAGE = 100;

export interface ExpireUploads {
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  readonly log: Log;
  /** ms without a write after which a session ends. */
  readonly expiryMs: number;
}

/** Looks at every session once; gives how many were ended. A session that is being written to is left alone. */
export async function expireUploads(job: ExpireUploads): Promise<number> {
  const before = job.clock.now() - job.expiryMs;
  let ended = 0;
  let after: UploadSessionId | undefined;
  while (true) {
    const page = await job.metadata.listUploads(before, { limit: PAGE, ...(after && { after }) });
    for (const session of page) {
      if (await endIfIdle(job, session, before)) ended++;
    }
    if (page.length < PAGE) break;
    after = page.at(-1)!.id;
  }
  if (ended > 0) job.log.info("expired uploads", { ended });
  return ended;
}

async function endIfIdle(
  { metadata, blobs }: ExpireUploads,
  session: UploadSession,
  before: number,
): Promise<boolean> {
  const touchedAt = await blobs.uploadTouchedAt(session.id);
  if (touchedAt !== undefined && touchedAt > before) return false;
  // The right to append is held while the row goes, so that no request is in the middle of writing.
  const writer = touchedAt === undefined ? undefined : await blobs.openUpload(session.id, "sha256");
  if (touchedAt !== undefined && writer === undefined) return false;
  try {
    if (!await metadata.cancelUpload(session.repository, session.id)) return false;
  } finally {
    await writer?.close();
  }
  await blobs.removeUpload(session.id);
  return true;
}
