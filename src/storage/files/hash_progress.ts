/** How far this thread has hashed each upload session, so that bytes that pass through it are hashed on the way. */
import { createHash, type Hash } from "node:crypto";
import { type Digest, type DigestAlgorithm, makeDigest } from "../../core/digest.ts";
import type { UploadSessionId } from "../../core/upload_session_id.ts";

/** Sessions remembered by one thread; a forgotten one is hashed again from its file. */
const MOST_SESSIONS = 4096;

/** A hash over the first `offset` bytes of an upload session. */
export interface HashProgress {
  readonly algorithm: DigestAlgorithm;
  readonly hash: Hash;
  offset: number;
}

/** The hash states of one thread. They cannot move to another: a thread that lacks one reads the file. */
export class HashProgresses {
  readonly #bySession = new Map<UploadSessionId, HashProgress>();

  /** Takes the state of a session out, or a fresh one at offset 0 when there is none for this algorithm and size. */
  take(id: UploadSessionId, algorithm: DigestAlgorithm, fileSize: number): HashProgress {
    const known = this.#bySession.get(id);
    this.#bySession.delete(id);
    if (known !== undefined && known.algorithm === algorithm && known.offset <= fileSize) return known;
    return { algorithm, hash: createHash(algorithm), offset: 0 };
  }

  /** Remembers a state for the session's next request to this thread. */
  keep(id: UploadSessionId, progress: HashProgress): void {
    this.#bySession.set(id, progress);
    for (const oldest of this.#bySession.keys()) {
      if (this.#bySession.size <= MOST_SESSIONS) break;
      this.#bySession.delete(oldest);
    }
  }

  forget(id: UploadSessionId): void {
    this.#bySession.delete(id);
  }
}

/** The digest of what was hashed so far. The state can be continued. */
export function digestOfProgress(progress: HashProgress): Digest {
  return makeDigest(progress.algorithm, progress.hash.copy().digest("hex"));
}
