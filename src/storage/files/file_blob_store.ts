/** The BlobStore on plain files under one root directory. */
import type { DigestAlgorithm } from "../../core/digest.ts";
import type { UploadSessionId } from "../../core/upload_session_id.ts";
import type { BlobFile, BlobReader, BlobStore, UploadWriter } from "../../ports/blob_store.ts";
import { BlobFiles, removeIfThere } from "./blob_files.ts";
import type { SessionHashes } from "../../ports/hasher.ts";
import { explainDiskFault } from "./disk_fault.ts";
import { FreeSpace } from "./free_space.ts";
import type { SmallBlobs } from "../small_blobs.ts";
import type { Layout } from "./layout.ts";
import { RemovalHold, Removals } from "./removals.ts";
import { SmallUploadWriter } from "./small_upload_writer.ts";
import { statIfThere } from "./stat_if_there.ts";
import { FileUploadWriter, uploadGone, type UploadMeans } from "./upload_writer.ts";
import { UploadHashes } from "./upload_hash.ts";
import { WriteBuffers } from "./write_buffers.ts";

export interface FileBlobStoreOptions {
  /** Bytes of disk that uploads leave free. */
  readonly minimumFreeSpace: number;
  /** Bytes of memory for small blobs. */
  readonly cacheBytes: number;
  /** Holds every blob that is read whole against its digest. */
  readonly verifyOnRead?: boolean;
  /** The hashes of uploads that are not small; by default those of this thread. */
  readonly longHashes?: SessionHashes;
  /** Puts the removal of blob files off; that of all threads. */
  readonly removalHold?: RemovalHold;
  /** Where small blobs are kept; without it each has a file. */
  readonly smallBlobs?: SmallBlobs;
}

/** One thread's view of the blob files. Threads share the files; the locks on upload files are between all of them. */
export class FileBlobStore implements BlobStore {
  readonly #layout: Layout;
  readonly #space: FreeSpace;
  readonly #blobs: BlobFiles;
  readonly #removals: Removals;
  readonly #uploads: UploadMeans;

  constructor(layout: Layout, options: FileBlobStoreOptions) {
    this.#layout = layout;
    this.#space = new FreeSpace(layout.uploads, options.minimumFreeSpace);
    this.#uploads = {
      layout,
      space: this.#space,
      hashes: new UploadHashes(options.longHashes),
      buffers: new WriteBuffers(),
      smallLimit: options.smallBlobs?.limit || -1,
    };
    this.#blobs = new BlobFiles(layout, options.cacheBytes, options.smallBlobs, options.verifyOnRead);
    this.#removals = new Removals(
      options.removalHold ?? new RemovalHold(),
      (file) => this.#blobs.remove(file),
    );
  }

  async checkReady(): Promise<void> {
    using file = await Deno.open(this.#layout.probe, { write: true, create: true, mode: 0o600 });
    await file.write(new Uint8Array(1));
    await file.syncData();
  }

  open(file: BlobFile, size: number): Promise<BlobReader | undefined> {
    return this.#blobs.open(file, size);
  }

  isWhole(file: BlobFile, size: number): Promise<boolean> {
    return this.#blobs.isWhole(file, size);
  }

  remove(file: BlobFile): Promise<void> {
    return this.#removals.remove(file);
  }

  async requireRoom(): Promise<void> {
    await this.#space.require();
  }

  async createUpload(id: UploadSessionId): Promise<void> {
    try {
      (await Deno.open(this.#layout.upload(id), { write: true, create: true, mode: 0o600 })).close();
    } catch (error) {
      throw explainDiskFault(error);
    }
  }

  gatherUpload(size: number): UploadWriter | undefined {
    return size <= this.#uploads.smallLimit ? new SmallUploadWriter(size) : undefined;
  }

  async uploadSize(id: UploadSessionId): Promise<number> {
    return (await statIfThere(this.#layout.upload(id), Deno.stat))?.size ?? 0;
  }

  async uploadTouchedAt(id: UploadSessionId): Promise<number | undefined> {
    return (await statIfThere(this.#layout.upload(id), Deno.stat))?.mtime?.getTime();
  }

  async openUpload(id: UploadSessionId, algorithm: DigestAlgorithm): Promise<UploadWriter | undefined> {
    const path = this.#layout.upload(id);
    const file = await this.#openExisting(path, id);
    try {
      if (!file.tryLockSync(true)) {
        file.close();
        return undefined;
      }
      // Between open and lock a finish may have renamed the file; what is open here would be the finished blob.
      if (!isAt(path, file)) throw uploadGone(id);
      const offset = file.seekSync(0, Deno.SeekMode.End);
      const hash = await this.#uploads.hashes.take(id, algorithm, offset);
      return new FileUploadWriter(this.#uploads, id, file, offset, hash);
    } catch (error) {
      file.close();
      throw error;
    }
  }

  openUnfinished(id: UploadSessionId, size: number): Promise<BlobReader | undefined> {
    return this.#blobs.openUnfinished(this.#layout.upload(id), size);
  }

  async removeUpload(id: UploadSessionId): Promise<void> {
    this.#uploads.hashes.forget(id);
    await removeIfThere(this.#layout.upload(id));
  }

  async #openExisting(path: string, id: UploadSessionId): Promise<Deno.FsFile> {
    try {
      return await Deno.open(path, { read: true, write: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) throw uploadGone(id);
      throw error;
    }
  }
}

/** True when the path still names the open file, which the system has at hand: asking it elsewhere takes longer. */
function isAt(path: string, file: Deno.FsFile): boolean {
  try {
    const [named, open] = [Deno.statSync(path), file.statSync()];
    return named.ino === open.ino && named.dev === open.dev;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
