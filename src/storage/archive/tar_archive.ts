/** Reads tar archives: one walk over the headers, then each file from where it lies. Nothing is ever unpacked. */
import type { ByteSource } from "../../ports/byte_source.ts";
import { formatSize } from "../../core/format_size.ts";
import { quote } from "../../core/quote.ts";
import type { ArchiveReader } from "../../ports/archive.ts";
import { fileNameOf, readPax } from "./tar_names.ts";
import { BadArchive, BLOCK, paddedSize, readHeader, type TarHeader } from "./tar_header.ts";

/** Bytes read at once where headers stand close together. */
const WINDOW = 64 * 1024;

/** Bytes of a chunk of a file. */
const CHUNK = 512 * 1024;

/** Files that are remembered; each costs some 200 bytes of memory. */
const MOST_FILES = 500_000;

/** Bytes of a long name or of pax records. */
const LONGEST_EXTENSION = 64 * 1024;

interface Place {
  readonly at: number;
  readonly size: number;
}

export class TarArchive implements ArchiveReader {
  readonly #source: ByteSource;
  readonly #files = new Map<string, Place>();

  private constructor(source: ByteSource) {
    this.#source = source;
  }

  /**
   * Finds the files of an archive; folders are passed over.
   *
   * @throws {BadArchive} for an archive that is damaged or cut, or holds what no bundle does: links, devices, sparse
   * files, names twice, absolute names, or names that lead out of it
   */
  static async open(source: ByteSource): Promise<TarArchive> {
    const archive = new TarArchive(source);
    await archive.#walk();
    return archive;
  }

  /** In the order of the archive. */
  get names(): Iterable<string> {
    return this.#files.keys();
  }

  sizeOf(name: string): number | undefined {
    return this.#files.get(name)?.size;
  }

  async readBytes(name: string, most: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const place = this.#files.get(name);
    if (place === undefined) return undefined;
    if (place.size > most) {
      throw new BadArchive(`${name} has ${formatSize(place.size)}, at most ${formatSize(most)} are read`);
    }
    const bytes = new Uint8Array(place.size);
    await this.#fill(place.at, bytes);
    return bytes;
  }

  async *read(name: string): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const place = this.#files.get(name);
    if (place === undefined) throw new Error(`no file ${name} in the archive`);
    // What is read beside each other would otherwise wait in memory for the collector.
    let buffers = [0, 1].map(() => new Uint8Array(Math.min(CHUNK, place.size)));
    const readAt = (offset: number): Promise<Uint8Array<ArrayBuffer>> | undefined => {
      if (offset >= place.size) return undefined;
      const [free, taken] = buffers as [Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>];
      buffers = [taken, free];
      const chunk = free.subarray(0, Math.min(CHUNK, place.size - offset));
      const reading = this.#fill(place.at + offset, chunk).then(() => chunk);
      // Whoever asks for it hears of it.
      reading.catch(() => {});
      return reading;
    };
    let next = readAt(0);
    for (let offset = CHUNK; next !== undefined; offset += CHUNK) {
      const chunk = await next;
      next = readAt(offset);
      yield chunk;
    }
  }

  async #walk(): Promise<void> {
    const blocks = new Blocks(this.#source);
    /** What extension headers say of the next file. */
    let name: string | undefined;
    let size: number | undefined;
    for (let at = 0;;) {
      const header = await this.#headerAt(blocks, at);
      if (header === undefined) return;
      const data = at + BLOCK;
      const extension = async () => await this.#readExtension(data, header);
      const own = header.size;
      let length = own;
      switch (header.type) {
        case "x":
        case "g": {
          const records = readPax(await extension());
          if (header.type === "x") {
            name = records.path ?? name;
            size = records.size ?? size;
          } else if (records.path !== undefined || records.size !== undefined) {
            throw new BadArchive("a global header sets the names or sizes of files");
          }
          break;
        }
        case "L":
          name = new TextDecoder().decode(await extension()).replace(/\0+$/, "");
          break;
        case "K":
          await extension();
          break;
        default:
          length = size ?? own;
          this.#take({ ...header, name: name ?? header.name, size: length }, data);
          name = size = undefined;
      }
      at = data + paddedSize(length);
    }
  }

  #take({ name, size, type }: TarHeader, at: number): void {
    const file = fileNameOf(name);
    if (type === "5") {
      if (size > 0) throw new BadArchive(`the folder ${quote(name)} has ${size} bytes`);
      return;
    }
    if (type !== "0" && type !== "7") {
      const what = type === "1" || type === "2" ? "a link" : `an entry of type ${quote(type)}`;
      throw new BadArchive(`${quote(name)} is ${what}; only files and folders are taken`);
    }
    if (file === "") throw new BadArchive("a file has no name");
    if (at + size > this.#source.size) throw cut(file, this.#source.size);
    if (this.#files.has(file)) throw new BadArchive(`${quote(file)} is in it twice`);
    if (this.#files.size === MOST_FILES) throw new BadArchive(`it has more than ${MOST_FILES} files`);
    this.#files.set(file, { at, size });
  }

  async #headerAt(blocks: Blocks, at: number): Promise<TarHeader | undefined> {
    const block = await blocks.at(at);
    if (block === undefined) throw cut("a header", this.#source.size);
    try {
      return readHeader(block);
    } catch (error) {
      if (at === 0 && error instanceof BadArchive) {
        throw new BadArchive(`it is no tar archive: ${hint(block) ?? error.message}`);
      }
      throw error;
    }
  }

  async #readExtension(at: number, { size }: TarHeader): Promise<Uint8Array> {
    if (size > LONGEST_EXTENSION) {
      throw new BadArchive(`a header has ${formatSize(size)} of names, at most 64 KiB are read`);
    }
    const bytes = new Uint8Array(size);
    await this.#fill(at, bytes);
    return bytes;
  }

  async #fill(at: number, target: Uint8Array): Promise<void> {
    if (await this.#source.read(at, target) < target.length) throw cut("a file", this.#source.size);
  }
}

/** Blocks in rising order, read in larger pieces. */
class Blocks {
  readonly #source: ByteSource;
  #start = 0;
  #window = new Uint8Array(0);

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Undefined behind the end. */
  async at(offset: number): Promise<Uint8Array | undefined> {
    if (offset + BLOCK > this.#start + this.#window.length) {
      const window = new Uint8Array(WINDOW);
      const read = await this.#source.read(offset, window);
      this.#start = offset;
      this.#window = window.subarray(0, read);
    }
    const from = offset - this.#start;
    return from + BLOCK > this.#window.length ? undefined : this.#window.subarray(from, from + BLOCK);
  }
}

function cut(where: string, size: number): BadArchive {
  return new BadArchive(
    `it ends after ${size} bytes, in the middle of ${where}: it was cut, or is still being written`,
  );
}

/** What people give instead of an archive; undefined where that is not known. */
function hint(start: Uint8Array): string | undefined {
  const isGzip = start[0] === 0x1f && start[1] === 0x8b;
  const isZstd = start[0] === 0x28 && start[1] === 0xb5 && start[2] === 0x2f && start[3] === 0xfd;
  if (!isGzip && !isZstd) return undefined;
  const tool = isGzip ? "gzip" : "zstd";
  return `it is compressed with ${tool}. Unpack it on the way: ${tool} -dc FILE | simple-registry import -`;
}
