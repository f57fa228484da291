/** Digests of bytes. */
import type { Digest, DigestAlgorithm } from "../core/digest.ts";

export interface Hasher {
  digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm): Digest;
  /** For bytes that come piece by piece. */
  readonly startHash: StartHash;
}

/** A hash over content that comes piece by piece. */
export interface RunningHash {
  /**
   * Takes the next bytes. Their buffer is lent: it may be out of reach until the promise resolves, to the same bytes.
   * Called again before that, it takes one after the other.
   */
  update(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>;
  /** The digest of everything taken so far; more may follow. */
  digest(): Promise<Digest>;
  /** Frees what it holds; nothing else is called afterwards. */
  end(): void;
}

/** Begins a running hash. */
export type StartHash = (algorithm: DigestAlgorithm) => RunningHash;
