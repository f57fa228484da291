/** Where the bytes of blobs lie, finished and unfinished. Knows nothing of repositories. Small ones the metadata store keeps. */
import type { Digest, DigestAlgorithm } from "../core/digest.ts";
import type { UploadSessionId } from "../core/upload_session_id.ts";

/**
 * Name of the file that holds a blob's bytes, or of its place in the metadata store, as that knows it. Never used twice.
 */
export type BlobFile = string & { readonly __brand: "BlobFile" };

/** An open blob. Close it exactly once, also after a failed read. */
export interface BlobReader {
  /** Bytes in the whole blob. */
  readonly size: number;
  /** The whole blob, where it is small enough to be at hand already. Not to be changed. */
  readonly bytes: Uint8Array | undefined;
  /**
   * Bytes from offset `start` up to, not including, `end`, in chunks that are good until the next one is asked for.
   *
   * @throws when the file ends early or cannot be read
   */
  read(start: number, end: number): AsyncIterable<Uint8Array>;
  close(): void;
}

/**
 * The right to append to one upload session; nobody else has it until `close()`.
 * Every method may throw what the file system reports, as `OciError` INSUFFICIENT_STORAGE where there is no room.
 */
export interface UploadWriter {
  /** Bytes accepted so far, those of earlier writers included. */
  readonly offset: number;
  /** Bytes of them that the session's file holds already. */
  readonly written: number;
  /** Takes the bytes, which are the caller's again when it resolves: when there is room for more. */
  append(chunk: Uint8Array): Promise<void>;
  /** Writes out what is accepted; then `written` is `offset`. Not beside another call. */
  flush(): Promise<void>;
  /** Digest of everything accepted so far. */
  digest(algorithm: DigestAlgorithm): Promise<Digest>;
  /**
   * Everything accepted, where a blob of that size is the metadata store's to keep: whoever finishes the session writes it
   * there, and the session's file, where it has one, is then to be removed. undefined where it is to be promoted.
   */
  takeSmall(): Promise<Uint8Array | undefined>;
  /**
   * Makes everything durable under its final name: rename, then fdatasync and fsync of the folder side by side.
   * After a failed sync the session's bytes are gone, because they can no longer be trusted.
   */
  promote(digest: Digest): Promise<BlobFile>;
  /** Takes a promotion back, so that the session can be continued; for a caller whose transaction failed. */
  demote(file: BlobFile): Promise<void>;
  /**
   * Writes out what is accepted and gives the right back. Safe to call after a failure and more than once.
   *
   * @throws what kept accepted bytes from being written, where no other method has thrown it yet
   */
  close(): Promise<void>;
}

export interface BlobStore {
  /** Resolves when bytes could be made durable just now. @throws what keeps the store from doing so */
  checkReady(): Promise<void>;

  /** Opens a blob's file; undefined when the file is missing or has not exactly `size` bytes. */
  open(file: BlobFile, size: number): Promise<BlobReader | undefined>;
  /** True when the file is there with exactly `size` bytes. */
  isWhole(file: BlobFile, size: number): Promise<boolean>;
  /** Removes a blob's file that no row names, later where somebody still counts on it; no error when it is gone already. */
  remove(file: BlobFile): Promise<void>;

  /** @throws {OciError} INSUFFICIENT_STORAGE below the minimum of free space */
  requireRoom(): Promise<void>;
  /** Makes the file of an upload session, unless it is there. @throws {OciError} INSUFFICIENT_STORAGE */
  createUpload(id: UploadSessionId): Promise<void>;
  /**
   * A writer for a whole blob of `size` bytes that the metadata store is to keep, whose session has no file and gets none.
   * undefined where blobs of that size have files.
   */
  gatherUpload(size: number): UploadWriter | undefined;
  /** Bytes that an upload session holds; 0 when its file is missing. */
  uploadSize(id: UploadSessionId): Promise<number>;
  /** Time of the last write to an upload session in ms since the epoch; undefined when its file is missing. */
  uploadTouchedAt(id: UploadSessionId): Promise<number | undefined>;
  /**
   * Takes the right to append, hashing with `algorithm` on the way.
   * undefined when another request holds the right.
   *
   * @throws {OciError} BLOB_UPLOAD_UNKNOWN when the session's file is not there any more
   */
  openUpload(id: UploadSessionId, algorithm: DigestAlgorithm): Promise<UploadWriter | undefined>;
  /**
   * Opens what an upload session holds so far, of a blob that will have `size` bytes: a read must not go beyond what was
   * written. Good also when the session has ended. undefined when its file is not there any more.
   */
  openUnfinished(id: UploadSessionId, size: number): Promise<BlobReader | undefined>;
  /** Removes an upload session's file; no error when it is gone already. */
  removeUpload(id: UploadSessionId): Promise<void>;
}
