/** A whole small blob on its way into the database: it is gathered in memory, and its session gets no file. */
import type { Digest, DigestAlgorithm } from "../../core/digest.ts";
import type { UploadWriter } from "../../ports/blob_store.ts";
import { nodeHasher } from "../node_hasher.ts";

export class SmallUploadWriter implements UploadWriter {
  readonly #bytes: Uint8Array<ArrayBuffer>;
  #offset = 0;
  readonly written = 0;

  /** @param size bytes that are to come */
  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  get offset(): number {
    return this.#offset;
  }

  // deno-lint-ignore require-await -- too many bytes are a rejection
  async append(chunk: Uint8Array): Promise<void> {
    this.#bytes.set(chunk, this.#offset);
    this.#offset += chunk.length;
  }

  // deno-lint-ignore require-await -- as above
  async digest(algorithm: DigestAlgorithm): Promise<Digest> {
    return nodeHasher.digestOf(this.#bytes.subarray(0, this.#offset), algorithm);
  }

  // deno-lint-ignore require-await -- as above
  async takeSmall(): Promise<Uint8Array> {
    return this.#bytes.subarray(0, this.#offset);
  }

  flush(): Promise<void> {
    return Promise.reject(noFile());
  }

  promote(): Promise<never> {
    return Promise.reject(noFile());
  }

  demote(): Promise<void> {
    return Promise.reject(noFile());
  }

  /** What was gathered is dropped: the session is as it was before. */
  close(): Promise<void> {
    return Promise.resolve();
  }
}

/** Whoever reads along, or wants a file, opens the session's file instead. */
function noFile(): Error {
  return new Error("a blob that is gathered in memory has no file");
}
