/** All that the metadata store keeps, whoever it belongs to, as a scrub looks through it and withdraws what is damaged. */
import type { Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { UploadSessionId } from "../core/upload_session_id.ts";
import type { BlobFile } from "./blob_store.ts";

/** A blob's row. */
export interface BlobRecord {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly file: BlobFile;
}

export interface ContentTotals {
  readonly blobs: number;
  /** Bytes of all blobs. */
  readonly blobBytes: number;
  readonly manifests: number;
}

/** Who needs a blob or a manifest; each list holds 20 at most. */
export interface Users {
  readonly repositories: readonly RepositoryName[];
  /** Manifests that reference it. */
  readonly manifests: readonly Digest[];
}

/** A row that names something that is not there. */
export type LooseEnd =
  /** A manifest whose config or layer its repository does not hold. */
  | { readonly kind: "reference"; readonly manifest: Digest; readonly blob: Digest }
  /** A tag whose manifest is not there. */
  | { readonly kind: "tag"; readonly tag: Tag; readonly manifest: Digest }
  /** A manifest whose bytes have no row. */
  | { readonly kind: "manifest"; readonly manifest: Digest }
  /** A blob that the repository holds and that has no row. */
  | { readonly kind: "hold"; readonly blob: Digest };

/** A blob file and where its name says that it comes from. */
export interface NamedFile {
  readonly file: BlobFile;
  readonly digest: Digest;
  readonly session: UploadSessionId;
}

export interface ScrubStore {
  count(): Promise<ContentTotals>;
  /** What the store finds wrong with itself, in its own words. Takes a time that grows with the store. */
  checkIntegrity(): Promise<string[]>;

  /** Blobs after `after` in order of their digests. */
  listBlobs(after: Digest | undefined, limit: number): Promise<BlobRecord[]>;
  findBlob(digest: Digest): Promise<BlobRecord | undefined>;
  /** Bytes of a small blob that the store keeps, as they are; undefined where they are not there (any more). */
  readSmallBlob(digest: Digest): Promise<Uint8Array | undefined>;
  listBlobUsers(digest: Digest): Promise<Users>;

  /** Digests of stored manifests after `after`, in order. */
  listContents(after: Digest | undefined, limit: number): Promise<Digest[]>;
  /** Bytes of a manifest as they are, none where they were withdrawn; undefined when it is not there (any more). */
  readContent(digest: Digest): Promise<Uint8Array | undefined>;
  listManifestUsers(digest: Digest): Promise<Users>;

  /** Repositories after `after` in byte order, those without a manifest too. */
  listRepositories(after: RepositoryName | undefined, limit: number): Promise<RepositoryName[]>;
  /** What is loose in a repository at one moment, at most `limit` of each kind. */
  findLooseEnds(repository: RepositoryName, limit: number): Promise<LooseEnd[]>;

  /** Those of the files that no row names and that no open upload session is about to bring. */
  listUnknownFiles(files: readonly NamedFile[]): Promise<BlobFile[]>;
  /** Those of the sessions that have no row. */
  listUnknownUploads(ids: readonly UploadSessionId[]): Promise<UploadSessionId[]>;
}

/** Takes damaged content out of the answers. What holds and references it stays, so that one push heals it for all. */
export interface Withdrawals {
  /** The blob has no file, and no bytes in the store, from now on. False, with nothing changed, when another file is current. */
  withdrawBlob(digest: Digest, file: BlobFile): Promise<boolean>;
  /** The manifest has no bytes from now on. False, with nothing changed, when they are not `damaged` any more. */
  withdrawContent(digest: Digest, damaged: Uint8Array): Promise<boolean>;
}
