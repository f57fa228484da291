/** Storage in a folder of its own that goes with the test. */
import type { DatabaseSync } from "node:sqlite";
import { type Digest, makeDigest } from "../../src/core/digest.ts";
import { type ManifestReference, type ReferenceKind } from "../../src/core/manifest.ts";
import { OCI_MANIFEST } from "../../src/core/media_type.ts";
import { parseRepositoryName, type RepositoryName } from "../../src/core/repository_name.ts";
import { parseTag, type Tag } from "../../src/core/tag.ts";
import { makeUploadSessionId, type UploadSessionId } from "../../src/core/upload_session_id.ts";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import type { ManifestPush, UploadSession } from "../../src/ports/metadata_store.ts";
import { FileBlobStore, type FileBlobStoreOptions } from "../../src/storage/files/file_blob_store.ts";
import { blobFileOf, Layout, makeFolders } from "../../src/storage/files/layout.ts";
import { GroupCommit } from "../../src/storage/sqlite/group_commit.ts";
import { openForReading, openForWriting } from "../../src/storage/sqlite/open_database.ts";
import { SqliteGarbage } from "../../src/storage/sqlite/sqlite_garbage.ts";
import { SqliteInventory } from "../../src/storage/sqlite/sqlite_inventory.ts";
import { SqliteMetadataStore } from "../../src/storage/sqlite/sqlite_metadata_store.ts";
import { SqliteReader } from "../../src/storage/sqlite/sqlite_reader.ts";
import { LocalWriter } from "../../src/storage/sqlite/writer_link.ts";
import { digestOf, utf8 } from "../model/bytes.ts";

/** Data directories of tests that have ended, empty: making 512 folders takes a disk longer than most tests. */
const unused: Layout[] = [];

globalThis.addEventListener("unload", () => {
  for (const { rootDir } of unused) Deno.removeSync(rootDir, { recursive: true });
});

/** A data directory with all its folders. */
export class TempStorage implements Disposable {
  readonly layout: Layout;

  /** @param dir where to make it; the system's folder for temporary files without it */
  constructor(dir?: string) {
    const known = unused.findLastIndex(({ rootDir }) => dir === undefined || rootDir.startsWith(`${dir}/`));
    this.layout = known < 0
      ? new Layout(Deno.makeTempDirSync({ prefix: "storage-", ...(dir !== undefined && { dir }) }))
      : unused.splice(known, 1)[0]!;
    makeFolders(this.layout);
  }

  /** Another thread's view of the files. */
  openBlobs(options: Partial<FileBlobStoreOptions> = {}): FileBlobStore {
    return new FileBlobStore(this.layout, { minimumFreeSpace: 0, cacheBytes: 0, ...options });
  }

  openMetadata(): TempMetadata {
    return new TempMetadata(this.layout);
  }

  /** Names of the files in the uploads folder. */
  listUploadFiles(): string[] {
    return [...Deno.readDirSync(this.layout.uploads)].map(({ name }) => name).sort();
  }

  /** Blob files, as the metadata store names them. */
  listBlobFiles(): BlobFile[] {
    const files: string[] = [];
    for (const folder of this.layout.blobFolders()) {
      for (const { name } of Deno.readDirSync(folder)) {
        files.push(`${folder.slice(this.layout.blobs.length + 1)}/${name}`);
      }
    }
    return files as BlobFile[];
  }

  [Symbol.dispose](): void {
    const { rootDir, uploads, blobs } = this.layout;
    for (const { name } of Deno.readDirSync(rootDir)) {
      if (`${rootDir}/${name}` !== blobs) removeUnlessGone(`${rootDir}/${name}`);
    }
    for (const folder of this.layout.blobFolders()) {
      for (const { name } of Deno.readDirSync(folder)) {
        Deno.removeSync(`${folder}/${name}`, { recursive: true });
      }
    }
    Deno.mkdirSync(uploads, { mode: 0o700 });
    unused.push(this.layout);
  }
}

/** The metadata store of a data directory, with its writer in this thread. */
export class TempMetadata implements Disposable {
  readonly database: DatabaseSync;
  readonly commit: GroupCommit;
  readonly reader: SqliteReader;
  readonly store: SqliteMetadataStore;
  readonly inventory: SqliteInventory;
  readonly garbage: SqliteGarbage;
  readonly #inventoryDatabase: DatabaseSync;

  constructor(layout: Layout) {
    this.database = openForWriting(layout.database);
    this.commit = new GroupCommit(this.database);
    this.reader = new SqliteReader(openForReading(layout.database), { cacheBytes: 1024 * 1024 });
    this.store = new SqliteMetadataStore(this.reader, new LocalWriter(this.commit));
    this.#inventoryDatabase = openForReading(layout.database);
    this.inventory = new SqliteInventory(this.#inventoryDatabase, new LocalWriter(this.commit));
    // Pages of few rows, so that a walk has many.
    this.garbage = new SqliteGarbage(this.#inventoryDatabase, new LocalWriter(this.commit), 3);
  }

  /** All rows of a query on the writing connection. */
  rows(sql: string, ...values: (string | number)[]): Record<string, unknown>[] {
    return this.database.prepare(sql).all(...values).map((row) => ({ ...row }));
  }

  /** Lets a repository hold a blob, as an upload does; gives what `finishUpload` said. */
  async hold(repository: RepositoryName, digest: Digest, size = 10, at = 1000) {
    const session = await this.start(repository, at - 1);
    const file = blobFileOf(digest, session);
    return { file, outcome: await this.store.finishUpload({ session, repository, digest, size, file, at }) };
  }

  async start(repository: RepositoryName, startedAt: number): Promise<UploadSessionId> {
    const session = makeSession(repository, startedAt);
    await this.store.startUpload(session);
    return session.id;
  }

  [Symbol.dispose](): void {
    this.#inventoryDatabase.close();
    this.reader.close();
    this.commit.close();
  }
}

/** An upload session that has a file. */
export function makeSession(repository: RepositoryName, startedAt = 1): UploadSession {
  return { id: makeUploadSessionId(), repository, algorithm: undefined, startedAt, owner: "", hasFile: true };
}

export function repo(name: string): RepositoryName {
  return parseRepositoryName(name);
}

export function tag(name: string): Tag {
  return parseTag(name);
}

/** A digest that is nobody's, one for each number. */
export function fakeDigest(n: number): Digest {
  return makeDigest("sha256", n.toString(16).padStart(64, "0"));
}

export function reference(kind: ReferenceKind, digest: Digest, size = 10): ManifestReference {
  return { kind, digest, size };
}

/** A push of bytes that are as good as a manifest to the store. */
export function push(
  repository: RepositoryName,
  text: string,
  rest: Partial<ManifestPush> = {},
): ManifestPush {
  const bytes = utf8(text);
  return {
    repository,
    digest: digestOf(bytes),
    mediaType: OCI_MANIFEST,
    bytes,
    references: [],
    tags: [],
    requireBlobs: true,
    at: 1000,
    ...rest,
  };
}

/** Every byte of a blob's range. */
export async function readAll(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk.slice());
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}

/** Files and sockets that this process has open. Asked of another program, since Deno reads /proc with every right only. */
export async function countOpenFiles(): Promise<number> {
  const { stdout } = await new Deno.Command("ls", { args: [`/proc/${Deno.pid}/fd`] }).output();
  return new TextDecoder().decode(stdout).trim().split("\n").length;
}

/** A writer thread that was ended a moment ago may still be closing its database, which takes files away meanwhile. */
function removeUnlessGone(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
