/** Finished blobs: opening, reading in ranges, and a memory of the small ones, some of which are in the database. */
import type { BlobFile, BlobReader } from "../../ports/blob_store.ts";
import { LARGEST_SMALL_BLOB } from "../../core/small_blob.ts";
import { ByteCache } from "../byte_cache.ts";
import type { SmallBlobs } from "../small_blobs.ts";
import { digestInName, isDatabaseFile, type Layout } from "./layout.ts";
import { openIfThere } from "./open_if_there.ts";
import { ChunkRoom, readChunks, readFully } from "./read_chunks.ts";
import { statIfThere } from "./stat_if_there.ts";
import { verifyBytes, verifying } from "./verify_read.ts";

export class BlobFiles {
  readonly #layout: Layout;
  /** Small blobs are read whole: configs and small layers are most of the requests. Keyed by file name. A name is never used twice, so what is remembered cannot be out of date. */
  readonly #small: ByteCache<BlobFile>;

  readonly #database: SmallBlobs | undefined;
  readonly #verify: boolean;
  readonly #room = new ChunkRoom();

  /**
   * @param cacheBytes memory for small blobs
   * @param database where some of them are kept
   * @param verify holds what is read whole against the digest: a damaged small blob is not opened, the reading of a large one
   * breaks before its last chunk
   */
  constructor(layout: Layout, cacheBytes: number, database?: SmallBlobs, verify = false) {
    this.#layout = layout;
    this.#database = database;
    this.#small = new ByteCache(cacheBytes);
    this.#verify = verify;
  }

  async open(file: BlobFile, size: number): Promise<BlobReader | undefined> {
    const remembered = this.#small.get(file);
    if (remembered !== undefined) return readerOfBytes(remembered);
    if (isDatabaseFile(file)) return this.#openInDatabase(file, size);
    const opened = await openWhole(this.#layout.blob(file), size);
    if (opened === undefined) return undefined;
    if (size > LARGEST_SMALL_BLOB) {
      return new FileReader(opened, size, this.#verify ? file : undefined, this.#room);
    }
    using whole = opened;
    const bytes = new Uint8Array(size);
    if (await readFully(whole, bytes) < size) return undefined;
    if (this.#verify && !verifyBytes(bytes, digestInName(file))) return undefined;
    this.#small.set(file, bytes);
    return readerOfBytes(bytes);
  }

  /** These are always held against their digest, which takes 10 us. */
  #openInDatabase(file: BlobFile, size: number): BlobReader | undefined {
    const digest = digestInName(file);
    const bytes = this.#database?.read(digest);
    if (bytes?.length !== size || !verifyBytes(bytes, digest)) return undefined;
    this.#small.set(file, bytes);
    return readerOfBytes(bytes);
  }

  /** Opens a file that others still write, and that will have `size` bytes. */
  async openUnfinished(path: string, size: number): Promise<BlobReader | undefined> {
    const file = await openIfThere(path);
    return file && new FileReader(file, size, undefined, this.#room);
  }

  async isWhole(file: BlobFile, size: number): Promise<boolean> {
    if (isDatabaseFile(file)) return this.#database?.sizeOf(digestInName(file)) === size;
    const info = await statIfThere(this.#layout.blob(file), Deno.stat);
    return info !== undefined && info.isFile && info.size === size;
  }

  async remove(file: BlobFile): Promise<void> {
    this.#small.delete(file);
    // Bytes in the database go with their row.
    if (isDatabaseFile(file)) return;
    await removeIfThere(this.#layout.blob(file));
  }
}

/** Removes a file; no error when it is gone already. */
export async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

async function openWhole(path: string, size: number): Promise<Deno.FsFile | undefined> {
  const file = await openIfThere(path);
  if (file === undefined || file.statSync().size === size) return file;
  file.close();
  return undefined;
}

function readerOfBytes(bytes: Uint8Array): BlobReader {
  return {
    size: bytes.length,
    bytes,
    async *read(start, end) {
      yield bytes.subarray(start, end);
    },
    close() {},
  };
}

class FileReader implements BlobReader {
  readonly bytes = undefined;

  /** @param verified name of the blob's file where whole reads are held against its digest */
  constructor(
    readonly file: Deno.FsFile,
    readonly size: number,
    readonly verified: BlobFile | undefined,
    readonly room: ChunkRoom,
  ) {}

  read(start: number, end: number): AsyncGenerator<Uint8Array> {
    const chunks = readChunks(this.file, start, end, this.room);
    const whole = start === 0 && end === this.size;
    return whole && this.verified !== undefined ? verifying(chunks, this.size, this.verified) : chunks;
  }

  close(): void {
    this.file.close();
  }
}
