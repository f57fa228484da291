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

/** How much a repository may hold; no limit where one is absent. */
export interface Quota {
  /** Bytes of the blobs that it holds and of its manifests, whatever other repositories share of them. */
  readonly bytes?: number;
  readonly manifests?: number;
  readonly tags?: number;
}

/** What a repository holds. */
export interface Usage {
  /** Bytes. */
  readonly blobBytes: number;
  /** Bytes. */
  readonly manifestBytes: number;
  readonly blobs: number;
  readonly manifests: number;
  readonly tags: number;
}

/** A write that would pass the quota of its repository. Nothing was changed. */
export interface OverQuota {
  readonly kind: "over_quota";
  readonly of: keyof Quota;
  readonly used: number;
  /** What the write would add. */
  readonly adds: number;
  readonly limit: number;
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
  /** Whether bytes of it may be in a file. Without one it holds none. */
  readonly hasFile: boolean;
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
  /** Taken over by the store: not to be used by the caller again. */
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
  readonly quota?: Quota;
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
  }
  | OverQuota;

export type FinishedUpload = {
  readonly session: UploadSessionId;
  readonly repository: RepositoryName;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly quota?: Quota;
  /** ms since the epoch. */
  readonly at: number;
} & (FileOfUpload | SmallUpload);

/** A blob whose bytes are in a file. */
interface FileOfUpload {
  readonly file: BlobFile;
}

/** A small blob, the bytes of which the store is to keep. */
export interface SmallUpload {
  readonly bytes: Uint8Array;
  /** True where the session had no file when they came: another request may have begun to write to it since. */
  readonly gathered: boolean;
}

export interface BlobMount {
  readonly repository: RepositoryName;
  readonly from: RepositoryName;
  readonly digest: Digest;
  readonly quota?: Quota;
  /** ms since the epoch. */
  readonly at: number;
}

export type FinishOutcome =
  /** The blob is held. `obsolete` is a file that no row names now, to be removed: the former one, or the new one when an
   * upload that finished in the meantime brought the same bytes. */
  | { readonly kind: "finished"; readonly obsolete: BlobFile | undefined }
  /** The session is not there any more: cancelled, expired, or finished by somebody else. Nothing was changed. */
  | { readonly kind: "session_gone" }
  /** Another request has begun to write to the session of gathered bytes. Nothing was changed. */
  | { readonly kind: "session_busy" }
  | OverQuota;

/** A move or a deletion of a tag. */
export interface TagChange {
  /** Grows from change to change. */
  readonly id: number;
  /** What it names since; undefined where it was deleted. */
  readonly digest: Digest | undefined;
  /** What it named before; undefined where it was new. */
  readonly previous: Digest | undefined;
  /** Whether the manifest that it named before is still there. */
  readonly previousExists: boolean;
  /** ms since the epoch. */
  readonly at: number;
}

export interface TagRestore {
  readonly repository: RepositoryName;
  readonly tag: Tag;
  readonly digest: Digest;
  /** When set, a tag that names another manifest stays. */
  readonly immutable: boolean;
  readonly quota?: Quota;
  /** ms since the epoch. */
  readonly at: number;
}

export type TagRestoreOutcome =
  | { readonly kind: "restored"; readonly previous: Digest | undefined }
  /** The history does not say that the tag ever named it. */
  | { readonly kind: "unknown" }
  /** The tag named it, and it was deleted since. */
  | { readonly kind: "manifest_gone" }
  | { readonly kind: "tag_immutable"; readonly current: Digest }
  | OverQuota;

/** Pulls of a manifest by one client within a few seconds. */
export interface Pull {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  /** The tag that it was pulled by; undefined for a pull by digest. */
  readonly tag: Tag | undefined;
  /** Name or address of who pulled. */
  readonly client: string;
  /** ms since the epoch. */
  readonly at: number;
}

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
  /** Manifests of the repository that point at a content, whether it holds that or not; at most `limit`. */
  listManifestsWith(repository: RepositoryName, content: Digest, limit: number): Promise<Digest[]>;
  /** Repositories that hold a blob, in byte order, at most `limit`; of the 1,000 oldest holders, if there are more. */
  listHolders(digest: Digest, limit: number): Promise<RepositoryName[]>;
  listTags(repository: RepositoryName, page: PageRequest<Tag>): Promise<Tag[]>;
  /** Tags that name a manifest, in byte order. */
  listTagsOf(repository: RepositoryName, digest: Digest, page: PageRequest<Tag>): Promise<Tag[]>;
  /** Repositories with at least one manifest, in byte order. */
  listRepositories(page: PageRequest<RepositoryName>): Promise<RepositoryName[]>;
  /**
   * Manifests of the repository whose subject is `subject`, in order of their digests.
   * A page also ends when its annotations reach 256 KiB; the caller asks on with `after` until an empty page comes.
   */
  listReferrers(
    repository: RepositoryName,
    subject: Digest,
    page: PageRequest<Digest> & { readonly artifactType?: string },
  ): Promise<Descriptor[]>;
  findUpload(repository: RepositoryName, id: UploadSessionId): Promise<UploadSession | undefined>;
  /** Upload sessions started before `before` (ms since the epoch), in order of their ids. */
  listUploads(before: number, page: PageRequest<UploadSessionId>): Promise<UploadSession[]>;
  /** What the repository holds; nothing for one that does not exist. */
  readUsage(repository: RepositoryName): Promise<Usage>;
  /** Changes of a tag before the one with the id `before`, newest first. */
  listTagHistory(
    repository: RepositoryName,
    tag: Tag,
    page: { readonly before?: number; readonly limit: number },
  ): Promise<TagChange[]>;
  /** Resolves when the store has read and made a write durable. @throws what keeps it from doing so */
  checkReady(): Promise<void>;

  startUpload(session: UploadSession): Promise<void>;
  /** Writes down that a session has a file from now on; false when it is not there any more. */
  noteUploadFile(repository: RepositoryName, id: UploadSessionId): Promise<boolean>;
  /** One transaction: blob row, bytes of a small blob, hold, session gone. */
  finishUpload(upload: FinishedUpload): Promise<FinishOutcome>;
  /** Removes the session's row; false when there was none. */
  cancelUpload(repository: RepositoryName, id: UploadSessionId): Promise<boolean>;
  /** Writes down that a client was told at `at` (ms since the epoch) that the repository has the blob. */
  announceBlob(repository: RepositoryName, digest: Digest, at: number): Promise<void>;
  /** Lets `repository` hold a blob that `from` holds; undefined, with nothing changed, when `from` does not. */
  mountBlob(mount: BlobMount): Promise<HeldBlob | OverQuota | undefined>;
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
  /** Lets a tag name again what it named before. One transaction. */
  restoreTag(restore: TagRestore): Promise<TagRestoreOutcome>;
  /** Forgets changes of tags before `before` (ms since the epoch), at most `limit`; gives how many. */
  pruneTagHistory(before: number, limit: number): Promise<number>;
  /** Writes pulls down; those of what is gone meanwhile are forgotten. */
  recordPulls(pulls: readonly Pull[]): Promise<void>;
  /** Forgets who pulled before `before` (ms since the epoch), at most `limit` entries; gives how many. */
  prunePulls(before: number, limit: number): Promise<number>;
}
