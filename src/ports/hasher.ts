/** Digests of bytes. */
import type { Digest, DigestAlgorithm } from "../core/digest.ts";
import type { UploadSessionId } from "../core/upload_session_id.ts";

export interface Hasher {
  digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm): Digest;
  /** For bytes that come piece by piece. */
  startHash(algorithm: DigestAlgorithm): RunningHash;
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
}

/** A hash over the first `offset` bytes of an upload session. */
export interface SessionHash {
  readonly offset: number;
  readonly hash: RunningHash;
}

/** The hashes of uploads, each of which one request has at a time. */
export interface SessionHashes {
  /** Takes the hash of a session out, or a fresh one at offset 0 when there is none for this algorithm and file size. */
  take(session: UploadSessionId, algorithm: DigestAlgorithm, fileSize: number): Promise<SessionHash>;
  /** Puts a hash back, for the session's next request. The first `offset` bytes of the file are what it has taken. */
  keep(session: UploadSessionId, taken: SessionHash): Promise<void>;
  /** Frees a hash that was taken out and is not put back. */
  end(taken: SessionHash): void;
  /** Frees what was put back for a session that is over. */
  forget(session: UploadSessionId): void;
}
