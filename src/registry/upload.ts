/** Upload: a blob comes in through a session, in one piece or in many. */
import { algorithmOf, type Digest, type DigestAlgorithm } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import { makeUploadSessionId } from "../core/upload_session_id.ts";
import type { UploadSession } from "../ports/metadata_store.ts";
import { requireBlobRoom } from "./quota.ts";
import type { Registry } from "./registry.ts";
import { finishUpload } from "./finish_upload.ts";
import { findUpload, holdUpload, type UploadName, uploadUnknown } from "./upload_hold.ts";
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

async function dropUpload(registry: Registry, session: UploadSession): Promise<void> {
  try {
    await registry.metadata.cancelUpload(session.repository, session.id);
    await registry.blobs.removeUpload(session.id);
  } catch (error) {
    registry.log.warn("an upload session stays until it expires", { session: session.id, error });
  }
}
