/** Appending to one upload session, from lock to rename. */
import type { Digest, DigestAlgorithm } from "../../core/digest.ts";
import { algorithmOf } from "../../core/digest.ts";
import { joinBytes } from "../../core/join_bytes.ts";
import { OciError } from "../../core/oci_error.ts";
import type { UploadSessionId } from "../../core/upload_session_id.ts";
import type { BlobFile, UploadWriter } from "../../ports/blob_store.ts";
import { removeIfThere } from "./blob_files.ts";
import { readFully } from "./read_chunks.ts";
import { type FreeSpace, withoutRoom } from "./free_space.ts";
import { digestOfProgress, type HashProgress, type HashProgresses } from "./hash_progress.ts";
import { blobFileOf, folderOf, type Layout, syncFolder } from "./layout.ts";

/** Bytes gathered before one write: large enough to make system calls rare, small enough for many uploads at once. */
const GATHER = 512 * 1024;

/** Bytes read at once where another thread's part has to be hashed from the file. */
const REREAD = 1024 * 1024;

export class FileUploadWriter implements UploadWriter {
  readonly #layout: Layout;
  readonly #id: UploadSessionId;
  readonly #file: Deno.FsFile;
  readonly #space: FreeSpace;
  readonly #progresses: HashProgresses;
  #progress: HashProgress;
  #offset: number;
  /** Accepted and not yet handed to the file. */
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  /** The write under way; at most one, so that the order holds. */
  #writing: Promise<void> = Promise.resolve();
  #fault: unknown;
  #faultTold = false;
  #closed = false;
  #promoted = false;

  /** @param file opened for reading and writing, locked, positioned at its end, which is at byte `offset` */
  constructor(
    layout: Layout,
    id: UploadSessionId,
    file: Deno.FsFile,
    offset: number,
    algorithm: DigestAlgorithm,
    space: FreeSpace,
    progresses: HashProgresses,
  ) {
    this.#layout = layout;
    this.#id = id;
    this.#file = file;
    this.#offset = offset;
    this.#space = space;
    this.#progresses = progresses;
    this.#progress = progresses.take(id, algorithm, offset);
  }

  get offset(): number {
    return this.#offset;
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#throwFault();
    // Behind the file's end the hash catches up in digest(), once, rather than here for a request that may not finish.
    if (this.#progress.offset === this.#offset) {
      this.#progress.hash.update(chunk);
      this.#progress.offset += chunk.length;
    }
    this.#offset += chunk.length;
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.length;
    if (this.#gatheredBytes < GATHER) return;
    // The write before last is waited for, the last one runs beside the next chunks.
    await this.#writing;
    this.#throwFault();
    await this.#space.spend(this.#gatheredBytes);
    this.#startWrite();
  }

  async digest(algorithm: DigestAlgorithm): Promise<Digest> {
    await this.#flush();
    if (algorithm !== this.#progress.algorithm) {
      this.#progresses.forget(this.#id);
      this.#progress = this.#progresses.take(this.#id, algorithm, this.#offset);
    }
    await this.#catchUp();
    return digestOfProgress(this.#progress);
  }

  async promote(digest: Digest): Promise<BlobFile> {
    if (algorithmOf(digest) !== this.#progress.algorithm || this.#progress.offset !== this.#offset) {
      throw new Error("promote() without the digest() of the same bytes");
    }
    await this.#flush();
    const { size } = this.#file.statSync();
    if (size !== this.#offset) {
      throw new Error(`upload file of session ${this.#id} has ${size} bytes, expected ${this.#offset}`);
    }
    const [upload, file] = [this.#layout.upload(this.#id), blobFileOf(digest, this.#id)];
    try {
      await this.#file.syncData();
    } catch (error) {
      // After a failed sync the kernel may call lost pages clean: a second try could succeed without the bytes.
      await this.#drop(upload);
      throw withoutRoom(error);
    }
    try {
      await Deno.rename(upload, this.#layout.blob(file));
    } catch (error) {
      // A cancellation takes no lock: it may have removed the file from under us.
      throw await isMissing(upload) ? uploadGone(this.#id) : withoutRoom(error);
    }
    this.#promoted = true;
    try {
      await syncFolder(`${this.#layout.blobs}/${folderOf(file)}`);
    } catch (error) {
      await this.#drop(this.#layout.blob(file));
      throw withoutRoom(error);
    }
    return file;
  }

  async demote(file: BlobFile): Promise<void> {
    await Deno.rename(this.#layout.blob(file), this.#layout.upload(this.#id));
    this.#promoted = false;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const told = this.#faultTold;
    try {
      await this.#flush();
      if (!this.#promoted) this.#progresses.keep(this.#id, this.#progress);
    } catch (error) {
      // Accepted bytes that could not be written are news, unless an append or a digest has told them already.
      if (!told) throw error;
    } finally {
      this.#file.close();
    }
  }

  async #drop(path: string): Promise<void> {
    this.#promoted = true;
    this.#progresses.forget(this.#id);
    await removeIfThere(path);
  }

  #startWrite(): void {
    const parts = this.#gathered;
    const bytes = joinBytes(parts, this.#gatheredBytes);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#writing = writeFully(this.#file, bytes).catch((error) => {
      this.#fault = withoutRoom(error);
    }).finally(() => {
      // Gives the memory back now and not with some later collection. What was not joined belongs to others.
      if (parts.length > 1) bytes.buffer.transfer(0);
    });
  }

  async #flush(): Promise<void> {
    await this.#writing;
    this.#throwFault();
    if (this.#gatheredBytes === 0) return;
    this.#startWrite();
    await this.#writing;
    this.#throwFault();
  }

  async #catchUp(): Promise<void> {
    if (this.#progress.offset === this.#offset) return;
    await this.#file.seek(this.#progress.offset, Deno.SeekMode.Start);
    const buffer = new Uint8Array(REREAD);
    while (this.#progress.offset < this.#offset) {
      const wanted = Math.min(REREAD, this.#offset - this.#progress.offset);
      const read = await readFully(this.#file, buffer.subarray(0, wanted));
      if (read === 0) {
        throw new Error(`upload file ended at byte ${this.#progress.offset} of ${this.#offset}`);
      }
      this.#progress.hash.update(buffer.subarray(0, read));
      this.#progress.offset += read;
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

async function writeFully(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    written += await file.write(written === 0 ? bytes : bytes.subarray(written));
  }
}
