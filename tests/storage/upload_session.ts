/** Steps of an upload that several tests take. */
import assert from "node:assert/strict";
import type { DigestAlgorithm } from "../../src/core/digest.ts";
import { type ErrorCode, OciError } from "../../src/core/oci_error.ts";
import { makeUploadSessionId, type UploadSessionId } from "../../src/core/upload_session_id.ts";
import type { BlobStore, UploadWriter } from "../../src/ports/blob_store.ts";

export const MiB = 1024 * 1024;

/** A check for `assert.rejects()`: an OciError of this code. */
export function has(code: ErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof OciError && error.code === code;
}

/** Takes the right to append, which must be free. */
export async function open(blobs: BlobStore, id: UploadSessionId, algorithm: DigestAlgorithm = "sha256") {
  return await blobs.openUpload(id, algorithm) ?? assert.fail("the session is locked");
}

/** Makes a session without a row. */
export async function start(blobs: BlobStore): Promise<UploadSessionId> {
  const id = makeUploadSessionId();
  await blobs.createUpload(id);
  return id;
}

/** Appends in pieces of `step` bytes. */
export async function appendAll(writer: UploadWriter, bytes: Uint8Array, step = 64 * 1024): Promise<void> {
  for (let at = 0; at < bytes.length; at += step) await writer.append(bytes.slice(at, at + step));
}
