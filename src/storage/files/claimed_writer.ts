/**
 * Appending to an upload session that may have no file yet: a small blob that comes as a whole is written where it stays, for
 * everything else the file of the session is made.
 */
import type { Digest, DigestAlgorithm } from "../../core/digest.ts";
import type { UploadSessionId } from "../../core/upload_session_id.ts";
import type { BlobFile, UploadWriter } from "../../ports/blob_store.ts";
import { nodeHasher } from "../node_hasher.ts";
import { removeIfThere } from "./blob_files.ts";
import { explainDiskFault } from "./disk_fault.ts";
import { blobFileOf, folderOf, syncFolder } from "./layout.ts";
import type { UploadClaim } from "./upload_claims.ts";
import { FileUploadWriter, uploadGone, type UploadMeans, writeFully } from "./upload_writer.ts";
import { Gathering } from "./write_buffers.ts";

export class ClaimedWriter implements UploadWriter {
  readonly #means: UploadMeans;
  readonly #id: UploadSessionId;
  readonly #claim: UploadClaim;
  readonly #algorithm: DigestAlgorithm;
  /** What is accepted, until there is a file. */
  readonly #gathering: Gathering;
  /** Of the session's file, where or once it has one. */
  #writer: FileUploadWriter | undefined;
  /** Of what is gathered. */
  #digest: Digest | undefined;
  /** True when nothing of what is gathered is to go to the session's file: it is a blob by now, or failed to become one. */
  #settled = false;
  #isLost = false;
  #closed = false;

  /**
   * @param claim given back by `close()`
   * @param writer of the session's file; undefined where there is none
   */
  constructor(
    means: UploadMeans,
    id: UploadSessionId,
    claim: UploadClaim,
    algorithm: DigestAlgorithm,
    writer: FileUploadWriter | undefined,
  ) {
    this.#writer = writer;
    this.#means = means;
    this.#id = id;
    this.#claim = claim;
    this.#algorithm = algorithm;
    this.#gathering = new Gathering(means.buffers);
  }

  get offset(): number {
    return this.#writer?.offset ?? this.#gathering.length;
  }

  get written(): number {
    return this.#writer?.written ?? 0;
  }

  get isLost(): boolean {
    return this.#writer?.isLost ?? this.#isLost;
  }

  async append(chunk: Uint8Array): Promise<void> {
    this.#digest = undefined;
    const taken = this.#writer === undefined ? this.#gathering.add(chunk) : 0;
    if (taken < chunk.length) await (await this.#useFile()).append(chunk.subarray(taken));
  }

  async flush(): Promise<void> {
    await (await this.#useFile()).flush();
  }

  async digest(algorithm: DigestAlgorithm): Promise<Digest> {
    if (this.#writer !== undefined) return await this.#writer.digest(algorithm);
    return this.#digest = nodeHasher.digestOf(this.#gathering.bytes, algorithm);
  }

  async promote(digest: Digest): Promise<BlobFile> {
    if (this.#writer !== undefined) return await this.#writer.promote(digest);
    if (digest !== this.#digest) throw new Error("promote() without the digest() of the same bytes");
    if (this.#claim.isRemoved()) throw uploadGone(this.#id);
    this.#settled = true;
    const file = blobFileOf(digest, this.#id);
    await this.#writeBlob(file);
    return file;
  }

  async demote(file: BlobFile): Promise<void> {
    if (this.#writer !== undefined) return await this.#writer.demote(file);
    const { layout } = this.#means;
    await Deno.rename(layout.blob(file), layout.upload(this.#id));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      // Those bytes were accepted, and the client goes on after them.
      const wanted = !this.#settled && this.#gathering.length > 0;
      const writer = wanted ? await this.#useFile() : this.#writer;
      await writer?.close();
    } finally {
      // With a file, what is gathered is its writer's.
      if (this.#writer === undefined) this.#gathering.discard();
      this.#claim.release();
    }
  }

  /**
   * As a promotion of a session's file does it, only that the bytes come to the name: a crash before the transaction leaves them
   * to the session, whole or not.
   */
  async #writeBlob(file: BlobFile): Promise<void> {
    const { layout, space } = this.#means;
    const [path, bytes] = [layout.blob(file), this.#gathering.bytes];
    space.count(bytes.length);
    using created = await this.#create(path);
    try {
      await writeFully(created, bytes);
    } catch (error) {
      await removeIfThere(path);
      throw explainDiskFault(error);
    }
    const syncs = await Promise.allSettled([
      created.syncData(),
      syncFolder(`${layout.blobs}/${folderOf(file)}`),
    ]);
    const failed = syncs.find(({ status }) => status === "rejected");
    if (failed === undefined) return;
    this.#isLost = true;
    await removeIfThere(path);
    throw explainDiskFault((failed as PromiseRejectedResult).reason);
  }

  /** Makes the session's file, with what is gathered on its way into it. */
  async #useFile(): Promise<FileUploadWriter> {
    if (this.#writer !== undefined) return this.#writer;
    const path = this.#means.layout.upload(this.#id);
    const file = await this.#create(path);
    try {
      if (!file.tryLockSync(true)) throw new Error(`the new file of upload session ${this.#id} is locked`);
      if (this.#claim.isRemoved()) {
        await removeIfThere(path);
        throw uploadGone(this.#id);
      }
      const hash = await this.#means.hashes.take(this.#id, this.#algorithm, 0);
      this.#writer = new FileUploadWriter(this.#means, this.#id, file, 0, hash, undefined, this.#gathering);
    } catch (error) {
      this.#settled = true;
      file.close();
      throw error;
    }
    return this.#writer;
  }

  async #create(path: string): Promise<Deno.FsFile> {
    try {
      return await Deno.open(path, { read: true, write: true, createNew: true, mode: 0o600 });
    } catch (error) {
      this.#settled = true;
      // A thread died over it, whose transaction may still come: the name is not free as long as anybody may count on it.
      throw error instanceof Deno.errors.AlreadyExists ? uploadGone(this.#id) : explainDiskFault(error);
    }
  }
}
