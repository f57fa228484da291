/** The ScrubStore on SQLite: a read-only connection of its own, since its statements may take long. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Digest } from "../../core/digest.ts";
import type { RepositoryName } from "../../core/repository_name.ts";
import type { Tag } from "../../core/tag.ts";
import type { UploadSessionId } from "../../core/upload_session_id.ts";
import type { BlobFile } from "../../ports/blob_store.ts";
import type {
  BlobRecord,
  ContentTotals,
  LooseEnd,
  NamedFile,
  ScrubStore,
  Users,
  Withdrawals,
} from "../../ports/scrub_store.ts";
import { MOST_USERS, SCRUB_COUNTS, SCRUB_QUERIES } from "./scrub_queries.ts";
import type { CommandRunner } from "./writer_link.ts";

/** Complaints of SQLite about itself that are passed on. */
const MOST_COMPLAINTS = 100;

type Row = Record<string, unknown>;
type Name = keyof typeof SCRUB_QUERIES;

// `async`: the port is asynchronous so that a database elsewhere can take this one's place.
export class SqliteScrubStore implements ScrubStore, Disposable {
  readonly #database: DatabaseSync;
  readonly #statements = {} as Record<Name, StatementSync>;

  constructor(database: DatabaseSync) {
    this.#database = database;
    for (const [name, sql] of Object.entries(SCRUB_QUERIES)) {
      this.#statements[name as Name] = database.prepare(sql);
    }
  }

  async count(): Promise<ContentTotals> {
    const { blobs, bytes } = this.#database.prepare(SCRUB_COUNTS.countBlobs).get()!;
    const { manifests } = this.#database.prepare(SCRUB_COUNTS.countContents).get()!;
    return { blobs: blobs as number, blobBytes: bytes as number, manifests: manifests as number };
  }

  async checkIntegrity(): Promise<string[]> {
    const rows = this.#database.prepare(`PRAGMA integrity_check(${MOST_COMPLAINTS})`).all();
    const lines = rows.map((row) => String(row.integrity_check));
    return lines.length === 1 && lines[0] === "ok" ? [] : lines;
  }

  async listBlobs(after: Digest | undefined, limit: number): Promise<BlobRecord[]> {
    return this.#statements.blobs.all(after ?? "", limit).map(recordOf);
  }

  async findBlob(digest: Digest): Promise<BlobRecord | undefined> {
    const row = this.#statements.blob.get(digest);
    return row && recordOf(row);
  }

  async readSmallBlob(digest: Digest): Promise<Uint8Array | undefined> {
    return this.#statements.smallBlob.get(digest)?.bytes as Uint8Array | undefined;
  }

  async listBlobUsers(digest: Digest): Promise<Users> {
    const repositories = this.#list<RepositoryName>("holders", "name", digest);
    const manifests = new Set<Digest>();
    for (const repository of repositories) {
      for (const manifest of this.#list<Digest>("referencing", "manifest", repository, digest)) {
        if (manifests.size < MOST_USERS) manifests.add(manifest);
      }
    }
    return { repositories, manifests: [...manifests] };
  }

  async listContents(after: Digest | undefined, limit: number): Promise<Digest[]> {
    return this.#list("contents", "digest", after ?? "", limit);
  }

  async readContent(digest: Digest): Promise<Uint8Array | undefined> {
    return this.#statements.content.get(digest)?.bytes as Uint8Array | undefined;
  }

  async listManifestUsers(digest: Digest): Promise<Users> {
    return { repositories: this.#list("manifestHolders", "name", digest), manifests: [] };
  }

  async listRepositories(after: RepositoryName | undefined, limit: number): Promise<RepositoryName[]> {
    return this.#list("repositories", "name", after ?? "", limit);
  }

  async findLooseEnds(repository: RepositoryName, limit: number): Promise<LooseEnd[]> {
    const rows = (name: Name): Row[] => this.#statements[name].all(repository, limit);
    return [
      ...rows("looseReferences").map(({ manifest, digest }): LooseEnd => (
        { kind: "reference", manifest: manifest as Digest, blob: digest as Digest }
      )),
      ...rows("looseTags").map(({ name, digest }): LooseEnd => (
        { kind: "tag", tag: name as Tag, manifest: digest as Digest }
      )),
      ...rows("looseManifests").map(({ digest }): LooseEnd => (
        { kind: "manifest", manifest: digest as Digest }
      )),
      ...rows("looseHolds").map(({ digest }): LooseEnd => ({ kind: "hold", blob: digest as Digest })),
    ];
  }

  async listUnknownFiles(files: readonly NamedFile[]): Promise<BlobFile[]> {
    return files.length === 0 ? [] : this.#list("unknownFiles", "file", JSON.stringify(files));
  }

  async listUnknownUploads(ids: readonly UploadSessionId[]): Promise<UploadSessionId[]> {
    return ids.length === 0 ? [] : this.#list("unknownUploads", "id", JSON.stringify(ids));
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #list<T>(name: Name, column: string, ...values: (string | number)[]): T[] {
    return this.#statements[name].all(...values).map((row) => row[column] as T);
  }
}

/** The Withdrawals by the one writer. */
export class SqliteWithdrawals implements Withdrawals {
  readonly #writer: CommandRunner;

  constructor(writer: CommandRunner) {
    this.#writer = writer;
  }

  withdrawBlob(digest: Digest, file: BlobFile): Promise<boolean> {
    return this.#writer.run({ name: "withdrawBlob", args: [digest, file] }) as Promise<boolean>;
  }

  withdrawContent(digest: Digest, damaged: Uint8Array): Promise<boolean> {
    return this.#writer.run({ name: "withdrawContent", args: [digest, damaged] }) as Promise<boolean>;
  }
}

function recordOf({ digest, size, file }: Row): BlobRecord {
  return { digest: digest as Digest, size: size as number, file: file as BlobFile };
}
