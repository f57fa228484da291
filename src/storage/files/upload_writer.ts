/** Appending to one upload session, from lock to rename. */
import type { Digest, DigestAlgorithm } from "../../core/digest.ts";
import { algorithmOf } from "../../core/digest.ts";
import { OciError } from "../../core/oci_error.ts";
import type { UploadSessionId } from "../../core/upload_session_id.ts";
import type { BlobFile, UploadWriter } from "../../ports/blob_store.ts";
import { removeIfThere } from "./blob_files.ts";
import { EarlySync } from "./early_sync.ts";
import { readFully } from "./read_chunks.ts";
import { explainDiskFault } from "./disk_fault.ts";
import type { FreeSpace } from "./free_space.ts";
import type { UploadHash, UploadHashes } from "./upload_hash.ts";
import { blobFileOf, folderOf, type Layout, syncFolder } from "./layout.ts";
import { Gathering, type WriteBuffers } from "./write_buffers.ts";
import { writeFully } from "./write_fully.ts";

/** What the uploads of a thread share. */
export interface UploadMeans {
  readonly layout: Layout;
  readonly space: FreeSpace;
  readonly hashes: UploadHashes;
  readonly buffers: WriteBuffers;
  /** Bytes up to which blobs are the database's to keep; less than 0 where none are. */
  readonly smallLimit: number;
}

/** Bytes read at once where another thread's part has to be hashed from the file. */
const REREAD = 1024 * 1024;

export class FileUploadWriter implements UploadWriter {
  readonly #means: UploadMeans;
  readonly #id: UploadSessionId;
  readonly #file: Deno.FsFile;
  readonly #earlySync: EarlySync;
  #hash: UploadHash;
  #offset: number;
  /** Bytes of the file when all that is on its way is written. */
  #passed: number;
  #written: number;
  /** Accepted and not yet on its way to the file. */
  readonly #gathering: Gathering;
  /** The writing and hashing under way of what was filled last; at most one, so that the order holds. */
  #passing: Promise<void> = Promise.resolve();
  #fault: unknown;
  #faultTold = false;
  #closed = false;
  #promoted = false;

  /**
   * @param file opened for reading and writing, locked, positioned at its end, which is at byte `offset`
   * @param hash of that many bytes or fewer
   */
  constructor(
    means: UploadMeans,
    id: UploadSessionId,
    file: Deno.FsFile,
    offset: number,
    hash: UploadHash,
    openForSync = () => Deno.open(means.layout.upload(id), { read: true }),
  ) {
    this.#means = means;
    this.#id = id;
    this.#file = file;
    this.#offset = offset;
    this.#passed = offset;
    this.#written = offset;
    this.#hash = hash;
    this.#gathering = new Gathering(means.buffers);
    this.#earlySync = new EarlySync(openForSync);
  }

  get offset(): number {
    return this.#offset;
  }

  get written(): number {
    return this.#written;
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#throwFault();
    for (let at = 0; at < chunk.length;) {
      const taken = this.#gathering.add(chunk.subarray(at));
      this.#offset += taken;
      at += taken;
      if (!this.#gathering.isFull) return;
      // The buffer before this one is waited for, this one is passed on beside the next chunks.
      await this.#passing;
      this.#throwFault();
      await this.#means.space.spend(this.#gathering.length);
      this.#startPassing();
    }
  }

  async flush(): Promise<void> {
    await this.#flush();
  }

  async digest(algorithm: DigestAlgorithm): Promise<Digest> {
    await this.#flush();
    if (algorithm !== this.#hash.algorithm) {
      this.#hash.end();
      this.#hash = await this.#means.hashes.take(this.#id, algorithm, this.#offset);
    }
    await this.#catchUp();
    return await this.#hash.digest();
  }

  async takeSmall(): Promise<Uint8Array | undefined> {
    if (this.#offset > this.#means.smallLimit) return undefined;
    await this.#flush();
    const bytes = new Uint8Array(this.#offset);
    await this.#file.seek(0, Deno.SeekMode.Start);
    const read = await readFully(this.#file, bytes);
    if (read < bytes.length) throw new Error(`upload file ended at byte ${read} of ${bytes.length}`);
    await this.#file.seek(0, Deno.SeekMode.End);
    return bytes;
  }

  async promote(digest: Digest): Promise<BlobFile> {
    if (algorithmOf(digest) !== this.#hash.algorithm || this.#hash.offset !== this.#offset) {
      throw new Error("promote() without the digest() of the same bytes");
    }
    await this.#flush();
    const { layout } = this.#means;
    const { size } = this.#file.statSync();
    if (size !== this.#offset) {
      throw new Error(`upload file of session ${this.#id} has ${size} bytes, expected ${this.#offset}`);
    }
    const [upload, file] = [layout.upload(this.#id), blobFileOf(digest, this.#id)];
    try {
      await this.#earlySync.end();
    } catch (error) {
      await this.#drop(upload);
      throw explainDiskFault(error);
    }
    try {
      await Deno.rename(upload, layout.blob(file));
    } catch (error) {
      // A cancellation takes no lock: it may have removed the file from under us.
      throw await isMissing(upload) ? uploadGone(this.#id) : explainDiskFault(error);
    }
    this.#promoted = true;
    // Side by side, since a file system makes one of both. No row names the file before both are done, so a power cut that
    // leaves the name without the bytes leaves a file of a session under way.
    const syncs = await Promise.allSettled([
      this.#file.syncData(),
      syncFolder(`${layout.blobs}/${folderOf(file)}`),
    ]);
    const failed = syncs.find(({ status }) => status === "rejected");
    if (failed !== undefined) {
      // After a failed sync the kernel may call lost pages clean: a second try could succeed without the bytes.
      await this.#drop(layout.blob(file));
      throw explainDiskFault((failed as PromiseRejectedResult).reason);
    }
    return file;
  }

  async demote(file: BlobFile): Promise<void> {
    const { layout } = this.#means;
    await Deno.rename(layout.blob(file), layout.upload(this.#id));
    this.#promoted = false;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const told = this.#faultTold;
    let whole = false;
    try {
      try {
        await this.#flush();
      } finally {
        await this.#endSync();
      }
      whole = !this.#promoted;
    } catch (error) {
      // Accepted bytes that could not be written are news, unless an append or a digest has told them already.
      if (!told) throw error;
    } finally {
      this.#gathering.discard();
      // Before the file, whose lock then goes to the next request of the session.
      await (whole ? this.#hash.keep() : this.#hash.end());
      this.#file.close();
    }
  }

  /** For whoever continues the session: a later sync, of another opening, would not know of a failed one. */
  async #endSync(): Promise<void> {
    if (this.#promoted) return;
    try {
      await this.#earlySync.end();
    } catch (error) {
      await this.#drop(this.#means.layout.upload(this.#id));
      throw explainDiskFault(error);
    }
  }

  async #drop(path: string): Promise<void> {
    this.#promoted = true;
    await removeIfThere(path);
  }

  #startPassing(): void {
    this.#passing = this.#pass(this.#gathering.takeOut()).catch((error) => {
      this.#fault ??= explainDiskFault(error);
    });
  }

  /** Writes and hashes side by side. */
  async #pass(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { length } = bytes;
    const start = this.#passed;
    this.#passed += length;
    // The system has the memory of the buffer from this call on, also while the buffer is lent to another thread.
    const [write, hash] = await Promise.allSettled([
      this.#file.write(bytes),
      // Behind the file's end the hash catches up in digest(), once, rather than here for a request that may not finish.
      this.#hash.offset === start ? this.#hash.update(bytes) : bytes,
    ]);
    // What a broken hash does not give back is lost to the pool only.
    if (hash.status === "rejected") throw hash.reason;
    try {
      if (write.status === "rejected") throw write.reason;
      await writeFully(this.#file, hash.value.subarray(write.value));
      this.#written += length;
      this.#earlySync.count(length);
    } finally {
      this.#means.buffers.giveBack(hash.value);
    }
  }

  async #flush(): Promise<void> {
    await this.#passing;
    this.#throwFault();
    if (this.#gathering.length === 0) return;
    this.#means.space.count(this.#gathering.length);
    this.#startPassing();
    await this.#passing;
    this.#throwFault();
  }

  async #catchUp(): Promise<void> {
    if (this.#hash.offset === this.#offset) return;
    await this.#file.seek(this.#hash.offset, Deno.SeekMode.Start);
    let buffer = new ArrayBuffer(REREAD);
    while (this.#hash.offset < this.#offset) {
      const wanted = Math.min(REREAD, this.#offset - this.#hash.offset);
      const read = await readFully(this.#file, new Uint8Array(buffer, 0, wanted));
      if (read === 0) {
        throw new Error(`upload file ended at byte ${this.#hash.offset} of ${this.#offset}`);
      }
      buffer = (await this.#hash.update(new Uint8Array(buffer, 0, read))).buffer;
    }
    await this.#file.seek(0, Deno.SeekMode.End);
  }

  #throwFault(): void {
    if (this.#fault === undefined) return;
    this.#faultTold = true;
    throw this.#fault;
  }
}

/** What a client reads whose session ended while, or before, it was written to. */
export function uploadGone(id: UploadSessionId): OciError {
  return new OciError("BLOB_UPLOAD_UNKNOWN", {
    message: `Upload session "${id}" is finished, cancelled or expired: start a new one`,
  });
}

async function isMissing(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}
