/** What is in a repository, row by row, for those who look after content: retention, bulk deletes, listings for people. */
import type { Digest } from "../core/digest.ts";
import type { MediaType } from "../core/media_type.ts";
import type { Reference } from "../core/reference.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { UploadSessionId } from "../core/upload_session_id.ts";
import type { PageRequest, UploadSession, Usage } from "./metadata_store.ts";

/** Times are ms since the epoch. */
export interface TagFacts {
  readonly tag: Tag;
  readonly digest: Digest;
  readonly pushedAt: number;
  /** undefined where it was never pulled. */
  readonly pulledAt: number | undefined;
  readonly pullCount: number;
}

/** Times are ms since the epoch. */
export interface ManifestFacts {
  readonly digest: Digest;
  readonly mediaType: MediaType;
  readonly artifactType: string | undefined;
  /** Bytes of the manifest itself. */
  readonly size: number;
  readonly subject: Digest | undefined;
  /** JSON of an object of strings; undefined for none. */
  readonly annotations: string | undefined;
  readonly pushedAt: number;
  readonly pulledAt: number | undefined;
  readonly pullCount: number;
}

/** Who pulled what, and when last. */
export interface PullFacts {
  readonly client: string;
  /** undefined for a pull by digest. */
  readonly tag: Tag | undefined;
  readonly digest: Digest;
  /** ms since the epoch. */
  readonly at: number;
}

export interface RepositoryFacts extends Usage {
  readonly repository: RepositoryName;
}

/** What all repositories hold together. */
export interface StorageTotals {
  readonly repositories: number;
  /** Counted once for each repository. */
  readonly manifests: number;
  readonly tags: number;
  /** Counted once whoever holds them. */
  readonly blobs: number;
  readonly blobBytes: number;
  /** Upload sessions that are neither finished nor expired. */
  readonly uploads: number;
}

/** A tag that may go, as it was when that was decided. */
export type TagRemoval = Pick<TagFacts, "tag" | "digest" | "pushedAt"> & {
  /** Set where the decision rests on pulls. */
  readonly pulls?: number;
};

/** A manifest with its referrers, which go together or not at all, as they were when that was decided. */
export interface ManifestGroup {
  readonly repository: RepositoryName;
  readonly manifests: readonly Pick<ManifestFacts, "digest" | "pushedAt" | "pulledAt">[];
  /** A change of a tag since then (ms since the epoch) that could be taken back keeps the manifest. */
  readonly historySince: number;
}

export interface Inventory {
  /** In constant time. */
  readTotals(): Promise<StorageTotals>;
  /** Repositories that hold or held something, in byte order. */
  listRepositoryFacts(page: PageRequest<RepositoryName>): Promise<RepositoryFacts[]>;
  /** Tags in byte order. */
  listTagFacts(repository: RepositoryName, page: PageRequest<Tag>): Promise<TagFacts[]>;
  /**
   * Manifests in order of their digests. A page also ends when its annotations reach 1 MiB; the caller asks on until an
   * empty page comes.
   */
  listManifestFacts(repository: RepositoryName, page: PageRequest<Digest>): Promise<ManifestFacts[]>;
  /** What an index points at, whether the repository has it or not. */
  listChildren(repository: RepositoryName, index: Digest): Promise<Digest[]>;
  /** Indexes of the repository that point at the manifest, at most `limit`. */
  listParents(repository: RepositoryName, manifest: Digest, limit: number): Promise<Digest[]>;
  /** Manifests that a tag named and lost since `since` (ms since the epoch), in order, whether they are there or not. */
  listRestorable(repository: RepositoryName, since: number, page: PageRequest<Digest>): Promise<Digest[]>;
  /** Bytes of a manifest and of everything below it that the repository has, each content once. */
  sumContent(repository: RepositoryName, manifest: Digest): Promise<number>;
  /** Upload sessions of a repository, in order of their ids. */
  listUploadsOf(repository: RepositoryName, page: PageRequest<UploadSessionId>): Promise<UploadSession[]>;
  /** Last pulls of a tag or a manifest, newest first. */
  listPulls(
    repository: RepositoryName,
    of: Reference,
    limit: number,
  ): Promise<PullFacts[]>;

  /** Removes those tags that are as they were; gives which. `at` in ms since the epoch. One transaction. */
  removeTags(repository: RepositoryName, removals: readonly TagRemoval[], at: number): Promise<Tag[]>;
  /**
   * Removes the manifests, unless one of them changed, is named by a tag or could be named again, is in an index or has
   * a referrer or a subject outside of the group. False when nothing was removed. One transaction.
   */
  removeManifests(group: ManifestGroup): Promise<boolean>;
}
