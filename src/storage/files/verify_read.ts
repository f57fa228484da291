/** Holds the bytes of a blob against its digest while they are read, so that damaged ones never pass for good. */
import { createHash, hash } from "node:crypto";
import { algorithmOf, type Digest, hexOf } from "../../core/digest.ts";
import type { BlobFile } from "../../ports/blob_store.ts";
import { digestInName } from "./layout.ts";

/** A file whose bytes are not those that its digest names. */
export class DamagedBlob extends Error {
  override readonly name = "DamagedBlob";
}

/** True when the bytes have the digest. */
export function verifyBytes(bytes: Uint8Array, digest: Digest): boolean {
  return hash(algorithmOf(digest), bytes, "hex") === hexOf(digest);
}

/**
 * Passes the chunks of a whole blob of `size` bytes on, the last one only when all of them have the digest in the file's
 * name: whoever reads gets fewer bytes than were promised, and cannot take them for the blob.
 *
 * @throws {DamagedBlob} in place of the last chunk
 */
export async function* verifying(
  chunks: AsyncIterable<Uint8Array>,
  size: number,
  file: BlobFile,
): AsyncGenerator<Uint8Array> {
  const digest = digestInName(file);
  const running = createHash(algorithmOf(digest));
  let left = size;
  for await (const chunk of chunks) {
    running.update(chunk);
    left -= chunk.length;
    if (left <= 0 && running.digest("hex") !== hexOf(digest)) {
      throw new DamagedBlob(
        `blob ${digest} is damaged: the bytes in ${file} have another digest. ` +
          "Run `simple-registry scrub --repair`, then push the blob again",
      );
    }
    yield chunk;
  }
}
