/** What nobody needs any more, as the collection finds it in the metadata store and takes it out. */
import type { Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { BlobFile } from "./blob_store.ts";

/** A place in a walk, as the page before it gave it. */
export type GarbageCursor = readonly (string | number)[];

/** What was found among a bounded number of rows: it may be nothing although more follows. */
export interface GarbagePage<T> {
  readonly found: readonly T[];
  /** undefined at the end of the walk. */
  readonly next: GarbageCursor | undefined;
}

/** Times in ms since the epoch. What was used at one of them or later stays. */
export interface GarbageLimits {
  /** Pushes, announcements and pulls. */
  readonly usedBefore: number;
  /** Changes of tags that can be taken back. */
  readonly historySince: number;
}

/**
 * A manifest that names a subject which its repository does not have, nor had within the time that stays, and that no tag
 * names or could name again.
 */
export interface OrphanedReferrer {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly subject: Digest;
  /** Bytes of the manifest. */
  readonly size: number;
  /** When it was last pushed or pulled, in ms since the epoch. */
  readonly usedAt: number;
  /** An index holds it, so that it cannot go before that. */
  readonly isChild: boolean;
}

/** A blob that a repository holds. */
export interface Hold {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** ms since the epoch. */
  readonly announcedAt: number;
}

/** A blob that no repository holds. */
export interface UnheldBlob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** ms since the epoch. */
  readonly createdAt: number;
}

/** Bytes of a manifest that no repository has. */
export interface UnusedContent {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}

/** A repository without manifests, blobs, tags, history of tags, and upload sessions. */
export interface EmptyRepository {
  readonly repository: RepositoryName;
  /** ms since the epoch. */
  readonly createdAt: number;
}

/** A blob whose row is gone. */
export interface TakenBlob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  /** No row names it any more. */
  readonly file: BlobFile;
}

/** What the collection knows from one run to the next. Times are ms since the epoch. */
export interface GarbageRecord {
  readonly record: string;
  readonly lookedAt: number;
  readonly noteBefore: number;
}

export interface FormerRecord {
  readonly record: string;
  /** ms since the epoch: the earliest time that anything has which was written after the record. */
  readonly earliest: number;
}

/** What became of an empty repository; one with many pulls on record goes piece by piece. */
export type RepositoryRemoval = "removed" | "more" | "stays";

/**
 * Walks of a few milliseconds a page, and removals of a few milliseconds each. A removal asks again, in its transaction,
 * whether its object is garbage: whatever a client did since the look wins.
 */
export interface Garbage {
  listOrphans(limits: GarbageLimits, after?: GarbageCursor): Promise<GarbagePage<OrphanedReferrer>>;
  /** Referrers of a manifest, there or not, that would be orphans without it; at most 1,000. */
  listOrphansOf(
    repository: RepositoryName,
    subject: Digest,
    limits: GarbageLimits,
  ): Promise<OrphanedReferrer[]>;
  /** Blobs that no manifest of the repository that holds them references. */
  listUnusedHolds(usedBefore: number, after?: GarbageCursor): Promise<GarbagePage<Hold>>;
  /** The same of one repository, of those announced from `since` on. */
  listUnusedHoldsOf(
    repository: RepositoryName,
    since: number,
    usedBefore: number,
    after?: GarbageCursor,
  ): Promise<GarbagePage<Hold>>;
  /** Holds that a manifest references, with the manifests that reference each, the first 1,000 of them. */
  listHoldsBelow(
    repository: RepositoryName,
    manifest: Digest,
    usedBefore: number,
  ): Promise<{ readonly hold: Hold; readonly manifests: readonly Digest[] }[]>;
  listUnheldBlobs(usedBefore: number, after?: GarbageCursor): Promise<GarbagePage<UnheldBlob>>;
  listUnusedContents(after?: GarbageCursor): Promise<GarbagePage<UnusedContent>>;
  listEmptyRepositories(usedBefore: number, after?: GarbageCursor): Promise<GarbagePage<EmptyRepository>>;
  /** The repository, if it were empty without so many manifests and blobs. */
  findAlmostEmpty(
    repository: RepositoryName,
    without: { readonly manifests: number; readonly blobs: number },
    usedBefore: number,
  ): Promise<EmptyRepository | undefined>;

  /** Gives those that were removed. */
  removeOrphans(orphans: readonly OrphanedReferrer[], limits: GarbageLimits): Promise<OrphanedReferrer[]>;
  /** Gives the holds that were removed, and the blobs that nobody held then. */
  removeHolds(
    holds: readonly Hold[],
    usedBefore: number,
  ): Promise<{ readonly holds: readonly Hold[]; readonly blobs: readonly TakenBlob[] }>;
  removeUnheldBlobs(blobs: readonly UnheldBlob[], usedBefore: number): Promise<TakenBlob[]>;
  removeContents(contents: readonly UnusedContent[]): Promise<UnusedContent[]>;
  removeRepository(repository: RepositoryName, usedBefore: number): Promise<RepositoryRemoval>;
  /** Forgets when subjects went that went before `before` (ms since the epoch), at most `limit`; gives how many. */
  forgetGoneSubjects(before: number, limit: number): Promise<number>;

  /** What the collection wrote down last. */
  readRecord(): Promise<FormerRecord | undefined>;
  /**
   * Writes down what the collection knows. Whoever writes something with a time before `noteBefore` from then on leaves that
   * time; gives the earliest one that was left since the record before.
   */
  writeRecord(record: GarbageRecord): Promise<number | undefined>;
}
