/** Bytes for tests: joining, hashing, random content. */
import { createHash, randomBytes as nodeRandomBytes } from "node:crypto";
import { type Digest, type DigestAlgorithm, makeDigest } from "../../src/core/digest.ts";

export function concat(chunks: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

export function digestOf(content: Uint8Array | string, algorithm: DigestAlgorithm = "sha256"): Digest {
  return makeDigest(algorithm, createHash(algorithm).update(content).digest("hex"));
}

export function randomBytes(length: number): Uint8Array {
  return new Uint8Array(nodeRandomBytes(length));
}

export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
