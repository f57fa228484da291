/** When an upload session last got bytes. */
import type { BlobStore } from "../ports/blob_store.ts";
import type { UploadSession } from "../ports/metadata_store.ts";

/** ms since the epoch: when it was opened, for one that has got none; undefined where its file is missing. */
export async function lastWriteOf(
  blobs: BlobStore,
  { id, hasFile, startedAt }: UploadSession,
): Promise<number | undefined> {
  return hasFile ? await blobs.uploadTouchedAt(id) : startedAt;
}
