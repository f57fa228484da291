/** A file as the source of an archive's bytes. */
import { readFully } from "../files/read_chunks.ts";
import type { ByteSource } from "../../ports/byte_source.ts";

export class FileSource implements ByteSource, Disposable {
  readonly #file: Deno.FsFile;
  readonly size: number;
  #position = -1;
  #reading: Promise<unknown> = Promise.resolve();

  /** Takes an open file over. */
  constructor(file: Deno.FsFile) {
    this.#file = file;
    this.size = file.statSync().size;
  }

  /** @throws {Error} for what is no file */
  static async open(path: string): Promise<FileSource> {
    const file = await Deno.open(path, { read: true });
    if (file.statSync().isFile) return new FileSource(file);
    file.close();
    throw new Error(`Cannot read ${path}: it is no file`);
  }

  /** One after the other, since a file has one position. */
  read(at: number, target: Uint8Array): Promise<number> {
    const reading = this.#reading.then(() => this.#readAt(at, target));
    this.#reading = reading.catch(() => {});
    return reading;
  }

  async #readAt(at: number, target: Uint8Array): Promise<number> {
    if (this.#position !== at) await this.#file.seek(at, Deno.SeekMode.Start);
    this.#position = -1;
    const read = await readFully(this.#file, target);
    this.#position = at + read;
    return read;
  }

  [Symbol.dispose](): void {
    this.#file.close();
  }
}
