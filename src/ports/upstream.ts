/** Another registry that content comes from. Names of repositories are those that it uses itself. */
import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import type { MediaType } from "../core/media_type.ts";
import type { Reference } from "../core/reference.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";

/** A manifest as an answer to HEAD describes it. */
export interface ManifestHead {
  readonly digest: Digest;
  readonly mediaType: MediaType;
  /** Bytes. */
  readonly size: number;
}

export interface UpstreamManifest {
  /** That of the bytes. */
  readonly digest: Digest;
  /** As the upstream says; whether the bytes are of that type is not checked yet. */
  readonly mediaType: MediaType;
  readonly bytes: Uint8Array;
}

/** A blob on its way. Whoever has it reads `chunks` to the end or leaves the iteration, or calls `abort`. */
export interface UpstreamBlob {
  /** Bytes in the whole blob, as the upstream says; undefined where it does not. */
  readonly size: number | undefined;
  /** Offset of the first byte that comes: the one asked for, or 0 where the upstream starts over. */
  readonly start: number;
  /**
   * The bytes as they arrive, with backpressure; the digest is not checked. The caller may keep the chunks.
   *
   * @throws {UpstreamFault} when they break off or stand still
   */
  readonly chunks: AsyncIterable<Uint8Array>;
  abort(): void;
}

/** Every method throws {@linkcode UpstreamFault}; undefined means that the upstream has no such thing. */
export interface Upstream {
  /** Where it is, without credentials, for logs. */
  readonly url: string;
  /**
   * @param known what the reference named when it was last asked for
   * @returns "unchanged" where the upstream says that it still does, "unknown digest" where its answer to HEAD does not
   * tell, so that the manifest has to be fetched
   */
  headManifest(
    repository: RepositoryName,
    reference: Reference,
    known?: Digest,
  ): Promise<ManifestHead | "unchanged" | "unknown digest" | undefined>;
  getManifest(repository: RepositoryName, reference: Reference): Promise<UpstreamManifest | undefined>;
  /** Bytes of the blob. */
  headBlob(repository: RepositoryName, digest: Digest): Promise<number | undefined>;
  /** @param start offset of the first byte wanted, to go on where an earlier transfer ended */
  getBlob(repository: RepositoryName, digest: Digest, start?: number): Promise<UpstreamBlob | undefined>;
  /** All tags, in no order, at most `limit`; what is not a tag in the grammar is left out. */
  listTags(repository: RepositoryName, limit: number): Promise<readonly Tag[] | undefined>;
  /** Manifests whose subject is the given one, in no order, at most `limit`. */
  listReferrers(repository: RepositoryName, subject: Digest, limit: number): Promise<readonly Descriptor[]>;
  /** Ends connections without a request. */
  close(): void;
}
