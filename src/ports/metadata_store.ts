/** What the registry knows about its content. Every write is durable when its promise resolves. */
import type { Descriptor } from "../core/descriptor.ts";
import type { Digest, DigestAlgorithm } from "../core/digest.ts";
import type { ManifestReference } from "../core/manifest.ts";
import type { MediaType } from "../core/media_type.ts";
import type { Reference } from "../core/reference.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { UploadSessionId } from "../core/upload_session_id.ts";
import type { BlobFile } from "./blob_store.ts";

export interface StoredManifest {
  readonly digest: Digest;
  readonly mediaType: MediaType;
  /** Exactly the bytes that were pushed. Not to be changed. */
  readonly bytes: Uint8Array;
}

/** A blob that a repository holds. */
export interface HeldBlob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly file: BlobFile;
  /** When a client was last told that the repository has it, in ms since the epoch. */
  readonly announcedAt: number;
}

export interface UploadSession {
  readonly id: UploadSessionId;
  readonly repository: RepositoryName;
  /** The algorithm that the client announced; undefined where it gave no hint. */
  readonly algorithm: DigestAlgorithm | undefined;
  /** ms since the epoch. */
  readonly startedAt: number;
  /** Who opened it, as `uploadOwnerOf()` tells; nobody else may use it. */
  readonly owner: string;
}

/** A page of a sorted listing: entries after `after` (exclusive, byte order), at most `limit`. */
export interface PageRequest<T extends string> {
  readonly after?: T;
  readonly limit: number;
}

export interface ManifestPush {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly mediaType: MediaType;
  readonly bytes: Uint8Array;
  readonly subject?: Digest;
  /** For referrers: the manifest's artifact type, else the media type of its config. */
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly references: readonly ManifestReference[];
  /** Tags that will name the manifest. */
  readonly tags: readonly Tag[];
  /** Those of the tags that must not name another manifest than they do; none where it is absent. */
  readonly immutableTags?: readonly Tag[];
  /** When set, configs and layers that the repository does not hold are refused. */
  readonly requireBlobs: boolean;
  /** ms since the epoch. */
  readonly at: number;
}

export type ManifestPushOutcome =
  | { readonly kind: "stored" }
  | {
    readonly kind: "blobs_missing";
    /** The configs and layers that the repository does not hold, at most 100. */
    readonly missing: readonly Digest[];
  }
  | {
    readonly kind: "size_differs";
    readonly digest: Digest;
    /** Bytes, as the manifest says. */
    readonly stated: number;
    /** Bytes that the blob has. */
    readonly actual: number;
  }
  | {
    readonly kind: "tag_immutable";
    readonly tag: Tag;
    /** What it names. */
    readonly current: Digest;
  };

export interface FinishedUpload {
  readonly session: UploadSessionId;
  readonly repository: RepositoryName;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly file: BlobFile;
  /** ms since the epoch. */
  readonly at: number;
}

export type FinishOutcome =
  /** The blob is held. `obsolete` is a file that no row names now, to be removed: the former one, or the new one when an
   * upload that finished in the meantime brought the same bytes. */
  | { readonly kind: "finished"; readonly obsolete: BlobFile | undefined }
  /** The session is not there any more: cancelled, expired, or finished by somebody else. Nothing was changed. */
  | { readonly kind: "session_gone" };

export type ManifestDeletion =
  | { readonly kind: "deleted" }
  | { readonly kind: "unknown" }
  /** A tag names it that was not among those which may go. Nothing was changed. */
  | { readonly kind: "tagged" };

export type BlobDeletion =
  /** The repository holds it no longer. `obsolete` is its file when no other repository holds it either. */
  | { readonly kind: "deleted"; readonly obsolete: BlobFile | undefined }
  | { readonly kind: "unknown" }
  | { readonly kind: "referenced"; readonly by: Digest };

export interface MetadataStore {
  /** True when something was ever stored in the repository and not collected since. */
  hasRepository(repository: RepositoryName): Promise<boolean>;
  findManifest(repository: RepositoryName, reference: Reference): Promise<StoredManifest | undefined>;
  /** A blob, if this repository holds it. */
  findBlob(repository: RepositoryName, digest: Digest): Promise<HeldBlob | undefined>;
  /** Repositories that hold a blob, in byte order, at most `limit`; of the 1,000 oldest holders, if there are more. */
  listHolders(digest: Digest, limit: number): Promise<RepositoryName[]>;
  listTags(repository: RepositoryName, page: PageRequest<Tag>): Promise<Tag[]>;
  /** Tags that name a manifest, in byte order. */
  listTagsOf(repository: RepositoryName, digest: Digest, page: PageRequest<Tag>): Promise<Tag[]>;
  /** Repositories with at least one manifest, in byte order. */
  listRepositories(page: PageRequest<RepositoryName>): Promise<RepositoryName[]>;
  /**
   * Manifests of the repository whose subject is `subject`, in order of their digests.
   * A page also ends when its annotations reach 1 MiB; the caller asks on with `after` until an empty page comes.
   */
  listReferrers(
    repository: RepositoryName,
    subject: Digest,
    page: PageRequest<Digest> & { readonly artifactType?: string },
  ): Promise<Descriptor[]>;
  findUpload(repository: RepositoryName, id: UploadSessionId): Promise<UploadSession | undefined>;
  /** Upload sessions started before `before` (ms since the epoch), in order of their ids. */
  listUploads(before: number, page: PageRequest<UploadSessionId>): Promise<UploadSession[]>;
  /** Resolves when the store can read and write. @throws what keeps it from doing so */
  checkReady(): Promise<void>;

  startUpload(session: UploadSession): Promise<void>;
  /** One transaction: blob row, hold, session gone. */
  finishUpload(upload: FinishedUpload): Promise<FinishOutcome>;
  /** Removes the session's row; false when there was none. */
  cancelUpload(repository: RepositoryName, id: UploadSessionId): Promise<boolean>;
  /** Writes down that a client was told at `at` (ms since the epoch) that the repository has the blob. */
  announceBlob(repository: RepositoryName, digest: Digest, at: number): Promise<void>;
  /** Lets `repository` hold a blob that `from` holds; undefined, with nothing changed, when `from` does not. */
  mountBlob(
    mount: { repository: RepositoryName; from: RepositoryName; digest: Digest; at: number },
  ): Promise<HeldBlob | undefined>;
  /** One transaction: reference check, manifest, references, subject, tags, history. */
  putManifest(push: ManifestPush): Promise<ManifestPushOutcome>;
  /** False when there was no such tag. `at` in ms since the epoch. */
  deleteTag(repository: RepositoryName, tag: Tag, at: number): Promise<boolean>;
  /**
   * Removes a manifest and every tag that names it. `at` in ms since the epoch.
   *
   * @param tags those that may go with it; any where it is absent
   */
  deleteManifest(
    repository: RepositoryName,
    digest: Digest,
    at: number,
    tags?: readonly Tag[],
  ): Promise<ManifestDeletion>;
  deleteBlob(repository: RepositoryName, digest: Digest): Promise<BlobDeletion>;
}
