/** Whoever keeps mirrors: brings content of upstreams into repositories here, once for all who wait for it. */
import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { UploadSessionId } from "../core/upload_session_id.ts";
import type { PageRequest } from "./metadata_store.ts";

/** What is known of a tag whose upstream was asked. */
export interface TagFreshness {
  /** What the tag names in the repository here. */
  readonly digest: Digest;
  /** ms for which nobody has to ask again. */
  readonly freshFor: number;
  /** True when no upstream has confirmed it, so that it may have moved since. */
  readonly stale: boolean;
}

/** A blob on its way into a repository. Its bytes are in the file of an upload session, and not verified before the end. */
export interface ArrivingBlob {
  readonly session: UploadSessionId;
  /** Bytes in the whole blob. */
  readonly size: number;
  /** True when all of it has come, has the digest, and is in the repository. */
  readonly isComplete: boolean;
  /**
   * Resolves when more than `offset` bytes can be read, to how many, or when the blob is complete.
   *
   * @throws {OciError} why it will never come
   */
  reach(offset: number): Promise<number>;
  /** Resolves when the blob is complete. @throws {OciError} */
  complete(): Promise<void>;
}

/** What an upstream says, or what is here where it could not be asked. */
export interface UpstreamList<T> {
  readonly entries: readonly T[];
  /** True when no upstream could be asked, so that entries may be missing. */
  readonly stale: boolean;
}

/**
 * Names are those of mirrors here. Every method may throw an OciError: UPSTREAM_UNAVAILABLE, TOOMANYREQUESTS (with
 * `Retry-After`) or DENIED for what the upstream does, INSUFFICIENT_STORAGE where there is no room.
 */
export interface Mirrors {
  /**
   * Lets a tag name here what it names upstream, as far as its rules ask for that.
   *
   * @param current what the tag names here, as far as the caller knows
   * @throws {OciError} MANIFEST_UNKNOWN
   */
  freshenTag(repository: RepositoryName, tag: Tag, current: Digest | undefined): Promise<TagFreshness>;
  /** Resolves when the repository has the manifest. @throws {OciError} MANIFEST_UNKNOWN */
  bringManifest(repository: RepositoryName, digest: Digest): Promise<void>;
  /** Begins to bring a blob, or joins in; undefined when the repository holds it by now. @throws {OciError} BLOB_UNKNOWN */
  bringBlob(repository: RepositoryName, digest: Digest): Promise<ArrivingBlob | undefined>;
  /** Bytes of a blob that may be upstream only. @throws {OciError} BLOB_UNKNOWN */
  sizeOfBlob(repository: RepositoryName, digest: Digest): Promise<number>;
  /** A page of the tags upstream, in byte order; undefined where no upstream has the repository. */
  listTags(repository: RepositoryName, page: PageRequest<Tag>): Promise<UpstreamList<Tag> | undefined>;
  /** Referrers upstream, of which the repository may have none yet. */
  listReferrers(repository: RepositoryName, subject: Digest): Promise<UpstreamList<Descriptor>>;
}
