/** The hash of one upload: in this thread while there is little, elsewhere from the first full buffer on. */
import type { Digest, DigestAlgorithm } from "../../core/digest.ts";
import type { UploadSessionId } from "../../core/upload_session_id.ts";
import type { SessionHash, SessionHashes } from "../../ports/hasher.ts";
import { LocalSessionHashes } from "../session_hashes.ts";
import { SMALL_BUFFER } from "./write_buffers.ts";

/** Where the hashes of a thread's uploads are. */
export class UploadHashes {
  readonly #short = new LocalSessionHashes();
  readonly #long: SessionHashes;

  /** @param long for uploads that are not small; all threads may share it */
  constructor(long: SessionHashes = new LocalSessionHashes()) {
    this.#long = long;
  }

  /** The hash of a session whose file has `fileSize` bytes, as far as it is there. */
  async take(session: UploadSessionId, algorithm: DigestAlgorithm, fileSize: number): Promise<UploadHash> {
    const known = this.#short.takeKept(session, algorithm, fileSize);
    if (known !== undefined) return new UploadHash(session, algorithm, this.#short, known, this.#long);
    // What is small is hashed sooner than asked for.
    if (fileSize < SMALL_BUFFER) {
      return new UploadHash(session, algorithm, this.#short, undefined, this.#long);
    }
    const taken = await this.#long.take(session, algorithm, fileSize);
    return new UploadHash(session, algorithm, this.#long, taken, this.#long);
  }

  forget(session: UploadSessionId): void {
    this.#short.forget(session);
    this.#long.forget(session);
  }
}

export class UploadHash {
  readonly algorithm: DigestAlgorithm;
  readonly #session: UploadSessionId;
  readonly #long: SessionHashes;
  #where: SessionHashes;
  /** undefined until there is something to hash. */
  #taken: SessionHash | undefined;
  #offset: number;

  constructor(
    session: UploadSessionId,
    algorithm: DigestAlgorithm,
    where: SessionHashes,
    taken: SessionHash | undefined,
    long: SessionHashes,
  ) {
    this.#session = session;
    this.algorithm = algorithm;
    this.#where = where;
    this.#taken = taken;
    this.#long = long;
    this.#offset = taken?.offset ?? 0;
  }

  /** Bytes hashed, from the beginning of the upload. */
  get offset(): number {
    return this.#offset;
  }

  /** Hashes the next bytes. Their buffer is lent as in `RunningHash.update()`. */
  async update(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
    this.#offset += bytes.length;
    if (this.#taken === undefined && bytes.length === bytes.buffer.byteLength) this.#where = this.#long;
    const { hash } = await this.#take();
    return await hash.update(bytes);
  }

  /** The digest of what was hashed so far; more may follow. */
  async digest(): Promise<Digest> {
    return await (await this.#take()).hash.digest();
  }

  /**
   * Keeps the hash for the next request of the session. The file has all bytes that were hashed. A hash that cannot be kept
   * is worked out again.
   */
  async keep(): Promise<void> {
    if (this.#taken === undefined) return;
    await this.#where.keep(this.#session, { ...this.#taken, offset: this.#offset }).catch(() => {});
  }

  /** Frees the hash. */
  end(): void {
    if (this.#taken !== undefined) this.#where.end(this.#taken);
  }

  async #take(): Promise<SessionHash> {
    return this.#taken ??= await this.#where.take(this.#session, this.algorithm, 0);
  }
}
