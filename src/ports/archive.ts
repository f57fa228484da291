/** Archives: files with names, one behind the other, as bundles travel. */

export interface ArchivedFile {
  /** A path below the archive's root, without a leading slash. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
}

/** Takes files in the order in which they are to lie in the archive. */
export interface ArchiveWriter {
  /** Bytes of the archive so far. */
  readonly written: number;
  /** Bytes of an archive of such files, whole. */
  sizeOf(files: Iterable<ArchivedFile>): number;
  /** A small file. */
  addBytes(name: string, bytes: Uint8Array): Promise<void>;
  /**
   * A file of exactly `size` bytes.
   *
   * @param chunks each good until the next one is asked for
   * @throws {Error} when they are fewer or more bytes
   */
  addChunks(name: string, size: number, chunks: AsyncIterable<Uint8Array>): Promise<void>;
  /** The end of the archive; without it a reader sees that something is missing. */
  finish(): Promise<void>;
}

/** Gives the files of an archive, wherever they lie in it. */
export interface ArchiveReader {
  readonly names: Iterable<string>;
  /** Bytes of a file; undefined where there is none of this name. */
  sizeOf(name: string): number | undefined;
  /** A small file; undefined where there is none. @throws {Error} when it has more than `most` bytes */
  readBytes(name: string, most: number): Promise<Uint8Array<ArrayBuffer> | undefined>;
  /** The bytes of a file, in chunks that are good until the next one is asked for. @throws {Error} where there is no such file, or it is cut */
  read(name: string): AsyncIterable<Uint8Array<ArrayBuffer>>;
}
