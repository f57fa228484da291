/** The FileInspector on a data directory. */
import { createHash } from "node:crypto";
import { algorithmOf, type Digest, isDigest, makeDigest } from "../../core/digest.ts";
import { parseUploadSessionId, type UploadSessionId } from "../../core/upload_session_id.ts";
import type { BlobFile } from "../../ports/blob_store.ts";
import type { FileInspector, FolderContent } from "../../ports/file_inspector.ts";
import type { NamedFile } from "../../ports/scrub_store.ts";
import { readFully } from "./read_chunks.ts";
import { digestInName, folderOf, isDatabaseFile, isWithdrawnFile, type Layout, sessionOf } from "./layout.ts";
import { openIfThere } from "./open_if_there.ts";
import { Quarantine } from "./quarantine.ts";
import { statIfThere } from "./stat_if_there.ts";

/** Bytes read at once. */
const CHUNK = 1024 * 1024;

export class DirectoryInspector implements FileInspector {
  readonly #layout: Layout;
  readonly #quarantine: Quarantine;

  constructor(layout: Layout) {
    this.#layout = layout;
    this.#quarantine = new Quarantine(layout.quarantine);
  }

  async sizeOf(file: BlobFile): Promise<number | undefined> {
    const info = await statIfThere(this.#layout.blob(file), Deno.stat);
    return info?.isFile ? info.size : undefined;
  }

  async hash(
    file: BlobFile,
    digest: Digest,
    onRead: (bytes: number) => Promise<void>,
  ): Promise<Digest | undefined> {
    using opened = await openIfThere(this.#layout.blob(file));
    if (opened === undefined) return undefined;
    const algorithm = algorithmOf(digest);
    const running = createHash(algorithm);
    const buffer = new Uint8Array(CHUNK);
    while (true) {
      const read = await readFully(opened, buffer);
      running.update(buffer.subarray(0, read));
      await onRead(read);
      if (read < buffer.length) return makeDigest(algorithm, running.digest("hex"));
    }
  }

  async *listFolders(): AsyncGenerator<FolderContent> {
    const { blobs, uploads } = this.#layout;
    const known = new Set(this.#layout.blobFolders());
    yield* this.#listForeignIn(blobs, known);
    for (const folder of known) yield await this.#listBlobs(folder);
    const [ids, foreign]: [UploadSessionId[], string[]] = [[], []];
    for await (const { name, isFile } of Deno.readDir(uploads)) {
      const id = isFile ? parseUploadSessionId(name) : undefined;
      if (id === undefined) foreign.push(this.#below(`${uploads}/${name}`));
      else ids.push(id);
    }
    yield { blobs: [], uploads: ids, foreign };
  }

  isWithdrawn(file: BlobFile): boolean {
    return isWithdrawnFile(file);
  }

  isInDatabase(file: BlobFile): boolean {
    return isDatabaseFile(file);
  }

  pathOfBlob(file: BlobFile): string {
    return this.#below(this.#layout.blob(file));
  }

  pathOfUpload(id: UploadSessionId): string {
    return this.#below(this.#layout.upload(id));
  }

  async changedAt(path: string): Promise<number | undefined> {
    const info = await statIfThere(`${this.#layout.rootDir}/${path}`);
    return info && Math.max(info.mtime?.getTime() ?? 0, info.ctime?.getTime() ?? 0);
  }

  async quarantine(path: string, note: string): Promise<string | undefined> {
    const moved = await this.#quarantine.move(`${this.#layout.rootDir}/${path}`, note);
    return moved && this.#below(moved);
  }

  async quarantineBytes(name: string, bytes: Uint8Array, note: string): Promise<string> {
    return this.#below(await this.#quarantine.write(name, bytes, note));
  }

  /** What lies between the folders of blobs and is none of them. */
  async *#listForeignIn(folder: string, known: ReadonlySet<string>): AsyncGenerator<FolderContent> {
    const foreign: string[] = [];
    for await (const { name } of Deno.readDir(folder)) {
      const path = `${folder}/${name}`;
      if (known.has(path)) continue;
      const isParent = [...known].some((below) => below.startsWith(`${path}/`));
      if (isParent) yield* this.#listForeignIn(path, known);
      else foreign.push(this.#below(path));
    }
    yield { blobs: [], uploads: [], foreign };
  }

  async #listBlobs(folder: string): Promise<FolderContent> {
    const [blobs, foreign]: [NamedFile[], string[]] = [[], []];
    for await (const { name, isFile } of Deno.readDir(folder)) {
      const file = `${folder.slice(this.#layout.blobs.length + 1)}/${name}` as BlobFile;
      const [digest, session] = [digestInName(file), parseUploadSessionId(sessionOf(name))];
      const fits = isFile && session !== undefined && isDigest(digest) &&
        folderOf(file).endsWith(`/${name.slice(0, 2)}`);
      if (fits) blobs.push({ file, digest, session });
      else foreign.push(this.pathOfBlob(file));
    }
    return { blobs, uploads: [], foreign };
  }

  #below(path: string): string {
    return path.slice(this.#layout.rootDir.length + 1);
  }
}
