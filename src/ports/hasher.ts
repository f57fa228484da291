/** Digests of bytes that are at hand already, such as a manifest. */
import type { Digest, DigestAlgorithm } from "../core/digest.ts";

export interface Hasher {
  digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm): Digest;
}
