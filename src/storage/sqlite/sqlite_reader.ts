/** The reading half of the MetadataStore: prepared statements on a read-only connection of this thread. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Descriptor } from "../../core/descriptor.ts";
import { algorithmOf, type Digest, type DigestAlgorithm } from "../../core/digest.ts";
import type { MediaType } from "../../core/media_type.ts";
import type { Reference } from "../../core/reference.ts";
import type { RepositoryName } from "../../core/repository_name.ts";
import type { Tag } from "../../core/tag.ts";
import type { UploadSessionId } from "../../core/upload_session_id.ts";
import type { BlobFile } from "../../ports/blob_store.ts";
import type {
  HeldBlob,
  PageRequest,
  StoredManifest,
  TagChange,
  UploadSession,
  Usage,
} from "../../ports/metadata_store.ts";
import { ByteCache } from "../byte_cache.ts";
import { nodeHasher } from "../node_hasher.ts";
import type { CommitCounter } from "./commit_counter.ts";
import { QUERIES, type QueryName } from "./queries.ts";

/** A page of referrers ends when its annotations reach this many characters. */
const REFERRERS_PAGE_CHARACTERS = 256 * 1024;

/** Entries of the tag and blob memory, which lives only between two commits. */
const MOST_REMEMBERED = 10_000;

type Row = Record<string, unknown>;
type ManifestRow = { digest: Digest; media_type: MediaType };

export interface SqliteReaderOptions {
  /** Memory for bytes of manifests. */
  readonly cacheBytes: number;
  /** Hears of manifests whose bytes are damaged; to those who ask they are not there, so that a push heals them. */
  readonly onDamage?: (digest: Digest) => void;
  /** The writer's counter; without it each request asks the database whether it has changed. */
  readonly commits?: CommitCounter;
}

/** Synchronous reads; no iterator outlives a call, because an open one would keep the log from being shortened. */
export class SqliteReader {
  readonly #database: DatabaseSync;
  readonly #statements = {} as Record<QueryName, StatementSync>;
  /** Keyed by digest, so never out of date. Membership of a repository is asked for each time. */
  readonly #contents: ByteCache<Digest>;
  /** Rows by repository and reference, valid while no commit has happened since. */
  readonly #manifestRows = new Map<string, ManifestRow>();
  readonly #blobs = new Map<string, HeldBlob>();
  readonly #commits: CommitCounter | undefined;
  #settled: number | undefined;
  #dataVersion: unknown;
  readonly #onDamage: (digest: Digest) => void;

  constructor(database: DatabaseSync, { cacheBytes, onDamage, commits }: SqliteReaderOptions) {
    this.#database = database;
    this.#onDamage = onDamage ?? (() => {});
    this.#commits = commits;
    this.#contents = new ByteCache(cacheBytes);
    for (const [name, sql] of Object.entries(QUERIES)) {
      this.#statements[name as QueryName] = database.prepare(sql);
    }
  }

  hasRepository(repository: RepositoryName): boolean {
    return this.#statements.repository.get(repository) !== undefined;
  }

  findManifest(repository: RepositoryName, reference: Reference): StoredManifest | undefined {
    this.#forgetAfterCommit();
    const row = this.#findManifestRow(repository, reference);
    if (row === undefined) return undefined;
    const bytes = this.#contents.get(row.digest) ?? this.#readContent(row.digest);
    return bytes && { digest: row.digest, mediaType: row.media_type, bytes };
  }

  findBlob(repository: RepositoryName, digest: Digest): HeldBlob | undefined {
    this.#forgetAfterCommit();
    const key = `${repository}@${digest}`;
    const remembered = this.#blobs.get(key);
    if (remembered !== undefined) return remembered;
    const row = this.#statements.blob.get(repository, digest) as
      | { size: number; file: BlobFile; announced_at: number }
      | undefined;
    if (row === undefined) return undefined;
    const blob = { digest, size: row.size, file: row.file, announcedAt: row.announced_at };
    if (this.#blobs.size < MOST_REMEMBERED) this.#blobs.set(key, blob);
    return blob;
  }

  listManifestsWith(repository: RepositoryName, content: Digest, limit: number): Digest[] {
    return this.#names(this.#statements.manifestsWith.all(repository, content, limit));
  }

  listHolders(digest: Digest, limit: number): RepositoryName[] {
    return this.#names(this.#statements.holders.all(digest, limit));
  }

  listTags(repository: RepositoryName, page: PageRequest<Tag>): Tag[] {
    return this.#names(this.#statements.tags.all(repository, page.after ?? "", page.limit));
  }

  listTagsOf(repository: RepositoryName, digest: Digest, page: PageRequest<Tag>): Tag[] {
    return this.#names(this.#statements.tagsOf.all(repository, digest, page.after ?? "", page.limit));
  }

  listRepositories(page: PageRequest<RepositoryName>): RepositoryName[] {
    return this.#names(this.#statements.repositories.all(page.after ?? "", page.limit));
  }

  listReferrers(
    repository: RepositoryName,
    subject: Digest,
    page: PageRequest<Digest> & { readonly artifactType?: string },
  ): Descriptor[] {
    const place = [repository, subject, page.after ?? "", page.limit] as const;
    const rows = page.artifactType === undefined
      ? this.#statements.referrers.iterate(...place)
      : this.#statements.referrersOfType.iterate(...place, page.artifactType);
    const descriptors: Descriptor[] = [];
    let characters = 0;
    for (const row of rows as Iterable<Row>) {
      descriptors.push(descriptorOf(row));
      characters += (row.annotations as string | null)?.length ?? 0;
      if (characters >= REFERRERS_PAGE_CHARACTERS) break;
    }
    return descriptors;
  }

  findUpload(repository: RepositoryName, id: UploadSessionId): UploadSession | undefined {
    const row = this.#statements.upload.get(repository, id) as Row | undefined;
    return row && sessionOf({ ...row, id, repository });
  }

  listUploads(before: number, page: PageRequest<UploadSessionId>): UploadSession[] {
    return this.#statements.uploads.all(page.after ?? "", before, page.limit).map((row) =>
      sessionOf(row as Row)
    );
  }

  readUsage(repository: RepositoryName): Usage {
    const row = this.#statements.usage.get(repository) as Record<string, number> | undefined;
    return {
      blobBytes: row?.blob_bytes ?? 0,
      manifestBytes: row?.manifest_bytes ?? 0,
      blobs: row?.blobs ?? 0,
      manifests: row?.manifests ?? 0,
      tags: row?.tags ?? 0,
    };
  }

  listTagHistory(
    repository: RepositoryName,
    tag: Tag,
    { before = Number.MAX_SAFE_INTEGER, limit }: { readonly before?: number; readonly limit: number },
  ): TagChange[] {
    return this.#statements.tagHistory.all(repository, tag, before, limit).map((row) => ({
      id: row.id as number,
      digest: (row.digest ?? undefined) as Digest | undefined,
      previous: (row.previous ?? undefined) as Digest | undefined,
      previousExists: row.previous_exists === 1,
      at: row.at as number,
    }));
  }

  close(): void {
    this.#database.close();
  }

  #findManifestRow(repository: RepositoryName, reference: Reference): ManifestRow | undefined {
    const byTag = reference.kind === "tag";
    const name = byTag ? reference.tag : reference.digest;
    // ":" and "@" occur in no name, so the key is one to one.
    const key = `${repository}${byTag ? ":" : "@"}${name}`;
    const remembered = this.#manifestRows.get(key);
    if (remembered !== undefined) return remembered;
    const statement = byTag ? this.#statements.manifestByTag : this.#statements.manifestByDigest;
    const row = statement.get(repository, name) as ManifestRow | undefined;
    if (row !== undefined && this.#manifestRows.size < MOST_REMEMBERED) this.#manifestRows.set(key, row);
    return row;
  }

  #readContent(digest: Digest): Uint8Array | undefined {
    const row = this.#statements.content.get(digest) as { bytes: Uint8Array } | undefined;
    if (row === undefined) return undefined;
    // Once for each time that it enters the memory, which costs microseconds: a manifest names everything below it.
    if (nodeHasher.digestOf(row.bytes, algorithmOf(digest)) !== digest) {
      this.#onDamage(digest);
      return undefined;
    }
    this.#contents.set(digest, row.bytes);
    return row.bytes;
  }

  /** `data_version` changes with every commit of another connection; then nothing that was read may be trusted. */
  #forgetAfterCommit(): void {
    // Looked at before the database: a commit that comes between the two is seen twice and not missed.
    const settled = this.#commits?.settled;
    if (settled !== undefined && settled === this.#settled) return;
    this.#settled = settled;
    const version = this.#statements.dataVersion.get()!.data_version;
    if (version === this.#dataVersion) return;
    this.#dataVersion = version;
    this.#manifestRows.clear();
    this.#blobs.clear();
  }

  #names<T extends string>(rows: readonly Row[]): T[] {
    return rows.map((row) => row.name as T);
  }
}

function sessionOf(row: Row): UploadSession {
  return {
    id: row.id as UploadSessionId,
    repository: row.repository as RepositoryName,
    algorithm: (row.algorithm ?? undefined) as DigestAlgorithm | undefined,
    startedAt: row.started_at as number,
    owner: row.owner as string,
    hasFile: row.has_file === 1,
  };
}

function descriptorOf(row: Row): Descriptor {
  return {
    mediaType: row.media_type as MediaType,
    digest: row.digest as Digest,
    size: row.size as number,
    ...(row.artifact_type !== null && { artifactType: row.artifact_type as string }),
    ...(row.annotations !== null && { annotations: JSON.parse(row.annotations as string) }),
  };
}
