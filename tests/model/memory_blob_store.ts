/** A BlobStore in memory: the port's promises in the fewest lines, for tests that need no disk. */
import { type Digest, type DigestAlgorithm } from "../../src/core/digest.ts";
import { OciError } from "../../src/core/oci_error.ts";
import type { UploadSessionId } from "../../src/core/upload_session_id.ts";
import type { BlobFile, BlobReader, BlobStore, UploadWriter } from "../../src/ports/blob_store.ts";
import { concat, digestOf } from "./bytes.ts";

interface Upload {
  chunks: Uint8Array[];
  size: number;
  locked: boolean;
}

export class MemoryBlobStore implements BlobStore {
  readonly files = new Map<BlobFile, Uint8Array>();
  readonly uploads = new Map<UploadSessionId, Upload>();
  /** Readers and writers that were not closed. */
  openCount = 0;
  /** Blobs up to this many bytes are handed out whole; others are read in chunks of 1,000. */
  wholeUpTo = 64 * 1024;
  #promotions = 0;

  checkReady(): Promise<void> {
    return Promise.resolve();
  }

  open(file: BlobFile, size: number): Promise<BlobReader | undefined> {
    const bytes = this.files.get(file);
    if (bytes?.length !== size) return Promise.resolve(undefined);
    this.openCount++;
    let closed = false;
    return Promise.resolve({
      size,
      bytes: size <= this.wholeUpTo ? bytes : undefined,
      async *read(start: number, end: number) {
        for (let at = start; at < end; at += 1000) {
          if (closed) throw new Error("read of a closed blob");
          yield bytes.slice(at, Math.min(end, at + 1000));
        }
      },
      close: () => {
        if (closed) throw new Error("blob closed twice");
        closed = true;
        this.openCount--;
      },
    });
  }

  isWhole(file: BlobFile, size: number): Promise<boolean> {
    return Promise.resolve(this.files.get(file)?.length === size);
  }

  remove(file: BlobFile): Promise<void> {
    this.files.delete(file);
    return Promise.resolve();
  }

  requireRoom(): Promise<void> {
    return Promise.resolve();
  }

  createUpload(id: UploadSessionId): Promise<void> {
    if (!this.uploads.has(id)) this.uploads.set(id, { chunks: [], size: 0, locked: false });
    return Promise.resolve();
  }

  /** Every blob has a file. */
  gatherUpload(): undefined {}

  uploadSize(id: UploadSessionId): Promise<number> {
    return Promise.resolve(this.uploads.get(id)?.size ?? 0);
  }

  uploadTouchedAt(): Promise<number | undefined> {
    return Promise.resolve(undefined);
  }

  // deno-lint-ignore require-await -- a missing file is a rejection
  async openUpload(id: UploadSessionId, _algorithm: DigestAlgorithm): Promise<UploadWriter | undefined> {
    const upload = this.uploads.get(id);
    if (upload === undefined) throw new OciError("BLOB_UPLOAD_UNKNOWN");
    if (upload.locked) return undefined;
    upload.locked = true;
    this.openCount++;
    return this.#writer(id, upload);
  }

  openUnfinished(id: UploadSessionId, size: number): Promise<BlobReader | undefined> {
    const upload = this.uploads.get(id);
    if (upload === undefined) return Promise.resolve(undefined);
    this.openCount++;
    return Promise.resolve({
      size,
      bytes: undefined,
      async *read(start: number, end: number) {
        if (end > upload.size) throw new Error(`read up to ${end} where ${upload.size} bytes are written`);
        yield concat(upload.chunks).subarray(start, end);
      },
      close: () => void this.openCount--,
    });
  }

  removeUpload(id: UploadSessionId): Promise<void> {
    this.uploads.delete(id);
    return Promise.resolve();
  }

  #writer(id: UploadSessionId, upload: Upload): UploadWriter {
    let closed = false;
    return {
      get offset() {
        return upload.size;
      },
      get written() {
        return upload.size;
      },
      flush: () => Promise.resolve(),
      append: (chunk) => {
        // The caller's again.
        upload.chunks.push(chunk.slice());
        upload.size += chunk.length;
        return Promise.resolve();
      },
      digest: (algorithm) => Promise.resolve(digestOf(concat(upload.chunks), algorithm)),
      takeSmall: () => Promise.resolve(undefined),
      promote: (digest: Digest) => {
        const file = `${digest}.${++this.#promotions}` as BlobFile;
        this.files.set(file, concat(upload.chunks));
        this.uploads.delete(id);
        return Promise.resolve(file);
      },
      demote: (file) => {
        this.files.delete(file);
        this.uploads.set(id, upload);
        return Promise.resolve();
      },
      close: () => {
        if (!closed) {
          this.openCount--;
          upload.locked = false;
        }
        closed = true;
        return Promise.resolve();
      },
    };
  }
}
