/** The files of a data directory as a scrub sees them. */
import type { Digest } from "../core/digest.ts";
import type { UploadSessionId } from "../core/upload_session_id.ts";
import type { BlobFile } from "./blob_store.ts";
import type { NamedFile } from "./scrub_store.ts";

/** What lies in one folder of the data directory. */
export interface FolderContent {
  readonly blobs: readonly NamedFile[];
  readonly uploads: readonly UploadSessionId[];
  /** Paths below the data directory of what has no name that the program gives. */
  readonly foreign: readonly string[];
}

export interface FileInspector {
  /** Bytes of a blob's file; undefined where none is. */
  sizeOf(file: BlobFile): Promise<number | undefined>;
  /**
   * Digest of the bytes in a blob's file, with the algorithm of `digest`, read piece by piece; `onRead` is told the bytes of
   * each piece before the next is read. undefined where no file is.
   *
   * @throws what the file system reports when it cannot be read
   */
  hash(
    file: BlobFile,
    digest: Digest,
    onRead: (bytes: number) => Promise<void>,
  ): Promise<Digest | undefined>;
  /** Everything that lies among blobs and uploads, one folder after the other. */
  listFolders(): AsyncIterable<FolderContent>;
  /** True for the file of a blob that was withdrawn: its row is there, its bytes were put into quarantine. */
  isWithdrawn(file: BlobFile): boolean;
  /** True for a small blob whose bytes the metadata store keeps: there is no file. */
  isInDatabase(file: BlobFile): boolean;

  /** Path below the data directory. */
  pathOfBlob(file: BlobFile): string;
  /** Path below the data directory. */
  pathOfUpload(id: UploadSessionId): string;
  /** When something last changed at a path below the data directory, in ms since the epoch; undefined where nothing is. */
  changedAt(path: string): Promise<number | undefined>;
  /**
   * Moves what lies at a path below the data directory into quarantine, with `note` beside it. Gives its new path, undefined
   * when it is gone.
   */
  quarantine(path: string, note: string): Promise<string | undefined>;
  /** Puts bytes into quarantine as a file of that name, with `note` beside it. Gives its path. */
  quarantineBytes(name: string, bytes: Uint8Array, note: string): Promise<string>;
}
