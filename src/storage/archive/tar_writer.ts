/** Writes tar archives: the same files give the same bytes, whoever writes them and when. */
import type { ArchivedFile, ArchiveWriter } from "../../ports/archive.ts";
import { BLOCK, paddedSize, writeHeader } from "./tar_header.ts";

/** Bytes of zeros at the end. */
const END = 2 * BLOCK;

/** Where the bytes of an archive go. */
export interface ByteSink {
  /** Resolves when all bytes are taken. They are the caller's again then. */
  write(bytes: Uint8Array): Promise<void>;
}

export class TarWriter implements ArchiveWriter {
  readonly #sink: ByteSink;
  #written = 0;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  get written(): number {
    return this.#written;
  }

  sizeOf(files: Iterable<ArchivedFile>): number {
    let sum = END;
    for (const { name, size } of files) sum += writeHeader(name, size).length + paddedSize(size);
    return sum;
  }

  async addBytes(name: string, bytes: Uint8Array): Promise<void> {
    await this.#write(writeHeader(name, bytes.length));
    await this.#write(bytes);
    await this.#fillUp(bytes.length);
  }

  async addChunks(name: string, size: number, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    await this.#write(writeHeader(name, size));
    let left = size;
    for await (const chunk of chunks) {
      left -= chunk.length;
      if (left < 0) break;
      await this.#write(chunk);
    }
    if (left !== 0) {
      throw new Error(`${name} has ${left < 0 ? "more" : `${size - left}`} bytes, expected ${size}`);
    }
    await this.#fillUp(size);
  }

  async finish(): Promise<void> {
    await this.#write(new Uint8Array(END));
  }

  async #fillUp(size: number): Promise<void> {
    await this.#write(new Uint8Array(paddedSize(size) - size));
  }

  async #write(bytes: Uint8Array): Promise<void> {
    if (bytes.length === 0) return;
    await this.#sink.write(bytes);
    this.#written += bytes.length;
  }
}
