/** Digests by node:crypto, which does 2 GB/s where a JavaScript one does a tenth. */
import { createHash, hash } from "node:crypto";
import { type Digest, type DigestAlgorithm, makeDigest } from "../core/digest.ts";
import type { Hasher, RunningHash } from "../ports/hasher.ts";

export const nodeHasher: Hasher = {
  digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm): Digest {
    return makeDigest(algorithm, hash(algorithm, bytes, "hex"));
  },
  startHash: startNodeHash,
};

/** A hash in this thread, which takes bytes at once. */
export function startNodeHash(algorithm: DigestAlgorithm): RunningHash {
  const running = createHash(algorithm);
  return {
    async update(bytes) {
      running.update(bytes);
      return bytes;
    },
    async digest() {
      return makeDigest(algorithm, running.copy().digest("hex"));
    },
    end() {},
  };
}
