/** Upload: a blob comes in through a session, in one piece or in many. */
import { algorithmOf, type Digest, type DigestAlgorithm } from "../core/digest.ts";
import { OciError } from "../core/oci_error.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import { makeUploadSessionId, type UploadSessionId } from "../core/upload_session_id.ts";
import type { BlobFile } from "../ports/blob_store.ts";
import type { UploadSession } from "../ports/metadata_store.ts";
import { quotaIsFull, requireBlobRoom } from "./quota.ts";
import type { Registry } from "./registry.ts";
import {
  findUpload,
  holdUpload,
  uploadBusy,
  type UploadHold,
  type UploadName,
  uploadUnknown,
} from "./upload_hold.ts";
import { appendPiece, blobTooLarge, type UploadPiece } from "./upload_piece.ts";

/**
 * Opens a session for `owner` (distribution-spec end-4a). `algorithm` is what the client will name at the end, where it
 * said so.
 *
 * @throws {OciError} DENIED when the quota of the repository is used up
 */
export async function startUpload(
  registry: Registry,
  repository: RepositoryName,
  owner: string,
  algorithm: DigestAlgorithm | undefined,
): Promise<UploadSession> {
  await requireBlobRoom(registry, repository, undefined, undefined);
  return await openSession(registry, repository, owner, algorithm);
}

/** A session has no file until something comes that is not a whole small blob. */
async function openSession(
  registry: Registry,
  repository: RepositoryName,
  owner: string,
  algorithm: DigestAlgorithm | undefined,
): Promise<UploadSession> {
  await registry.blobs.requireRoom();
  const session: UploadSession = {
    id: makeUploadSessionId(),
    repository,
    algorithm,
    startedAt: registry.clock.now(),
    owner,
    hasFile: false,
  };
  await registry.metadata.startUpload(session);
  return session;
}

/**
 * Bytes received so far (distribution-spec end-13).
 *
 * @throws {OciError} BLOB_UPLOAD_UNKNOWN
 */
export async function readUploadOffset(registry: Registry, name: UploadName): Promise<number> {
  const { id } = await findUpload(registry, name);
  return await registry.blobs.uploadSize(id);
}

/**
 * Appends a piece (distribution-spec end-5) and returns the bytes received so far.
 *
 * @throws {OciError} BLOB_UPLOAD_UNKNOWN, SIZE_INVALID (416), BLOB_UPLOAD_INVALID (409 busy, 413 too large), DENIED (over
 * the quota)
 */
export async function appendUpload(
  registry: Registry,
  name: UploadName,
  piece: UploadPiece,
): Promise<number> {
  const session = await findUpload(registry, name);
  return await holdUpload(registry, session, session.algorithm ?? "sha256", async (hold) => {
    await appendPiece(registry, hold, piece);
    return hold.writer.offset;
  });
}

/**
 * Appends the last piece, which may be empty, and makes the blob durable (distribution-spec end-6).
 *
 * @throws {OciError} as {@linkcode appendUpload}, and DIGEST_INVALID, which cancels the session
 */
export async function completeUpload(
  registry: Registry,
  name: UploadName,
  digest: Digest,
  piece: UploadPiece,
): Promise<void> {
  const session = await findUpload(registry, name);
  await finishUpload(registry, session, digest, piece);
}

/**
 * A whole blob in one request (distribution-spec end-4b). Whatever fails, nothing is left behind, since the client
 * never learned of the session.
 *
 * @throws {OciError} as {@linkcode completeUpload}
 */
export async function uploadWhole(
  registry: Registry,
  repository: RepositoryName,
  owner: string,
  digest: Digest,
  piece: UploadPiece,
): Promise<void> {
  if (piece.length !== undefined && piece.length > registry.settings.maxBlobSize) {
    throw blobTooLarge(registry);
  }
  await requireBlobRoom(registry, repository, digest, piece.length);
  const session = await openSession(registry, repository, owner, algorithmOf(digest));
  try {
    await finishUpload(registry, session, digest, piece);
  } catch (fault) {
    await dropUpload(registry, session);
    throw fault;
  }
}

/**
 * Ends a session without a blob (distribution-spec end-14).
 *
 * @throws {OciError} BLOB_UPLOAD_UNKNOWN
 */
export async function cancelUpload(registry: Registry, name: UploadName): Promise<void> {
  const { repository, id } = await findUpload(registry, name);
  if (!await registry.metadata.cancelUpload(repository, id)) throw uploadUnknown(repository, id);
  await registry.blobs.removeUpload(id);
}

async function finishUpload(
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

async function dropUpload(registry: Registry, session: UploadSession): Promise<void> {
  try {
    await registry.metadata.cancelUpload(session.repository, session.id);
    await registry.blobs.removeUpload(session.id);
  } catch (error) {
    registry.log.warn("an upload session stays until it expires", { session: session.id, error });
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
