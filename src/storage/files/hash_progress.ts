/** How far each upload session is hashed by way of this thread, so that bytes that pass through it are hashed on the way. */
import type { Digest, DigestAlgorithm } from "../../core/digest.ts";
import type { UploadSessionId } from "../../core/upload_session_id.ts";
import type { RunningHash, StartHash } from "../../ports/hasher.ts";
import { startNodeHash } from "../node_hasher.ts";

/** Sessions remembered by one thread; a forgotten one is hashed again from its file. */
const MOST_SESSIONS = 4096;

/** A hash over the first `offset` bytes of an upload session. */
export class HashProgress {
  readonly algorithm: DigestAlgorithm;
  readonly #startLong: StartHash;
  #hash: RunningHash | undefined;
  #offset = 0;

  constructor(algorithm: DigestAlgorithm, startLong: StartHash) {
    this.algorithm = algorithm;
    this.#startLong = startLong;
  }

  get offset(): number {
    return this.#offset;
  }

  /**
   * Hashes the next bytes; their buffer is lent as by {@linkcode RunningHash.update}. Where a first piece does not fill its
   * buffer there is little to hash, and this thread does it.
   */
  update(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    this.#offset += bytes.length;
    const isLong = bytes.length === bytes.buffer.byteLength;
    this.#hash ??= (isLong ? this.#startLong : startNodeHash)(this.algorithm);
    return this.#hash.update(bytes);
  }

  /** The digest of what was hashed so far; more may follow. */
  digest(): Promise<Digest> {
    this.#hash ??= startNodeHash(this.algorithm);
    return this.#hash.digest();
  }

  /** Frees what it holds. */
  end(): void {
    this.#hash?.end();
    this.#hash = undefined;
  }
}

/** The hash states of one thread. They cannot move to another: a thread that lacks one reads the file. */
export class HashProgresses {
  readonly #startLong: StartHash;
  readonly #bySession = new Map<UploadSessionId, HashProgress>();

  /** @param startLong begins a hash over much */
  constructor(startLong: StartHash = startNodeHash) {
    this.#startLong = startLong;
  }

  /** Takes the state of a session out, or a fresh one at offset 0 when there is none for this algorithm and size. */
  take(id: UploadSessionId, algorithm: DigestAlgorithm, fileSize: number): HashProgress {
    const known = this.#bySession.get(id);
    this.#bySession.delete(id);
    if (known !== undefined && known.algorithm === algorithm && known.offset <= fileSize) return known;
    known?.end();
    return new HashProgress(algorithm, this.#startLong);
  }

  /** Remembers a state for the session's next request to this thread. */
  keep(id: UploadSessionId, progress: HashProgress): void {
    this.forget(id);
    this.#bySession.set(id, progress);
    for (const oldest of this.#bySession.keys()) {
      if (this.#bySession.size <= MOST_SESSIONS) break;
      this.forget(oldest);
    }
  }

  forget(id: UploadSessionId): void {
    this.#bySession.get(id)?.end();
    this.#bySession.delete(id);
  }
}
