/** Reads a blob while it arrives, as fast as it does, and never to an end that was not verified. */
import type { BlobReader } from "../ports/blob_store.ts";
import type { ArrivingBlob } from "../ports/mirrors.ts";

export class ArrivingReader implements BlobReader {
  readonly bytes = undefined;
  readonly #file: BlobReader;
  readonly #blob: ArrivingBlob;

  /** @param file what the blob's session holds; closed with this reader */
  constructor(file: BlobReader, blob: ArrivingBlob) {
    this.#file = file;
    this.#blob = blob;
  }

  get size(): number {
    return this.#blob.size;
  }

  /**
   * The last byte, of a part too, is held back until all of the blob has come and has its digest: whoever gets a whole
   * answer has what was asked for, and nobody else can take it for whole.
   */
  async *read(start: number, end: number): AsyncGenerator<Uint8Array> {
    for (let at = start; at < end;) {
      const arrived = await this.#blob.reach(at);
      const limit = this.#blob.isComplete ? end : Math.min(arrived, end - 1);
      if (limit > at) {
        yield* this.#file.read(at, limit);
        at = limit;
      } else await this.#blob.complete();
    }
  }

  close(): void {
    this.#file.close();
  }
}
