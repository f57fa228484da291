/** The end of an upload session: its bytes become a blob, in a file or in the database, and the rows tell. */
import { algorithmOf, type Digest } from "../core/digest.ts";
import { OciError } from "../core/oci_error.ts";
import type { UploadSessionId } from "../core/upload_session_id.ts";
import type { BlobFile } from "../ports/blob_store.ts";
import type { UploadSession } from "../ports/metadata_store.ts";
import { quotaIsFull } from "./quota.ts";
import type { Registry } from "./registry.ts";
import { holdUpload, uploadBusy, type UploadHold, uploadUnknown } from "./upload_hold.ts";
import { appendPiece, type UploadPiece } from "./upload_piece.ts";

/**
 * Appends the last piece, which may be all of the blob or none of it, and makes the blob durable.
 *
 * @throws {OciError} as `appendUpload()`, and DIGEST_INVALID, which cancels the session
 */
export async function finishUpload(
  registry: Registry,
  session: UploadSession,
  digest: Digest,
  piece: UploadPiece,
): Promise<void> {
  const work = async (hold: UploadHold) => {
    piece.watch?.opened(session.id);
    await appendPiece(registry, hold, piece, digest);
    const actual = await hold.writer.digest(algorithmOf(digest));
    if (actual !== digest) {
      hold.spoiled = true;
      throw new OciError("DIGEST_INVALID", {
        message:
          `Cannot complete upload session "${session.id}": the ${hold.writer.offset} bytes received have digest ${actual}, ` +
          `the request names ${digest}; the session is cancelled, start a new one`,
      });
    }
    return await recordBlob(registry, hold, digest);
  };
  const whole = piece.watch === undefined ? piece.length : undefined;
  const { obsolete, left } = await holdUpload(registry, session, algorithmOf(digest), work, whole);
  if (left !== undefined) await removeLeft(registry, left);
  if (obsolete !== undefined) await removeObsolete(registry, obsolete);
}

interface RecordedBlob {
  /** The file that the blob had before. */
  readonly obsolete: BlobFile | undefined;
  /** The session, where its file is not the blob's. */
  readonly left: UploadSessionId | undefined;
}

/** Writes the rows, and promotes the bytes before that, unless they go with them. */
async function recordBlob(
  registry: Registry,
  hold: UploadHold,
  digest: Digest,
): Promise<RecordedBlob> {
  const { session, writer } = hold;
  const size = writer.offset;
  const bytes = await writer.takeSmall();
  const file = bytes === undefined ? await promote(registry, hold, digest) : undefined;
  const outcome = await registry.metadata
    .finishUpload({
      session: session.id,
      repository: session.repository,
      digest,
      size,
      ...(file === undefined ? { bytes: bytes!, gathered: !session.hasFile } : { file }),
      quota: registry.rulesOf(session.repository).quota,
      at: registry.clock.now(),
    })
    .catch(async (fault) => {
      await takeBack(registry, hold, file);
      throw fault;
    });
  switch (outcome.kind) {
    case "finished":
      return {
        obsolete: outcome.obsolete,
        left: file === undefined && session.hasFile ? session.id : undefined,
      };
    case "over_quota":
      hold.spoiled = true;
      await takeBack(registry, hold, file);
      throw quotaIsFull(session.repository, outcome);
    case "session_busy":
      throw uploadBusy(session.id);
    case "session_gone":
      if (file !== undefined) await registry.blobs.remove(file);
      throw uploadUnknown(session.repository, session.id);
  }
}

async function promote(registry: Registry, hold: UploadHold, digest: Digest): Promise<BlobFile> {
  try {
    return await hold.writer.promote(digest);
  } catch (fault) {
    // After a failed sync the bytes are gone; a session that can never be finished must not look as if it could.
    hold.spoiled = await registry.blobs.uploadTouchedAt(hold.session.id) === undefined;
    throw fault;
  }
}

async function takeBack(registry: Registry, hold: UploadHold, file: BlobFile | undefined): Promise<void> {
  if (file === undefined) return;
  try {
    await hold.writer.demote(file);
  } catch (error) {
    registry.log.error("an upload session is lost: its file could not be taken back", {
      session: hold.session.id,
      file,
      error,
    });
  }
}

/** Removes the file of a session that is over. Failing to do so costs room until the next start. */
async function removeLeft(registry: Registry, id: UploadSessionId): Promise<void> {
  try {
    await registry.blobs.removeUpload(id);
  } catch (error) {
    registry.log.warn("the file of a finished upload session could not be removed", { session: id, error });
  }
}

/** Removes a file that no row names any more. Failing to do so costs room, not the operation that made it obsolete. */
export async function removeObsolete(registry: Registry, file: BlobFile): Promise<void> {
  try {
    await registry.blobs.remove(file);
  } catch (error) {
    registry.log.warn("the file of a replaced or deleted blob could not be removed", { file, error });
  }
}
