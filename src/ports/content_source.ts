/** Content that lies elsewhere, as an import reads it: a foreign data directory, a layout, a bundle. Nothing of it is trusted. */
import type { Digest } from "../core/digest.ts";
import type { MediaType } from "../core/media_type.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";

export interface SourceTag {
  readonly tag: Tag;
  readonly digest: Digest;
}

export interface SourceManifest {
  /** The reader's to keep. That they have the digest is the reader's to find out. */
  readonly bytes: Uint8Array;
  /** What the source says that it is; undefined where it keeps no types beside the bytes. */
  readonly mediaType: MediaType | undefined;
}

export interface SourceBlob {
  /** Bytes, as the source says. */
  readonly size: number;
  /**
   * The bytes, asked for once; each chunk is good until the next one is asked for. Whatever they are, they are held against the digest.
   *
   * @throws {SourceFault} what keeps them from being read
   */
  chunks(): AsyncIterable<Uint8Array>;
  /** Called when nobody will read any more of it, at the end or before; absent where there is nothing to let go of. */
  leave?(): void;
}

/** Something of the source that cannot come. */
export interface Refusal {
  /** What it is: `repository "a"`, `a:v1`, `a@sha256:...`. */
  readonly subject: string;
  /** A sentence for people, without full stop. */
  readonly why: string;
}

/** Told of what the source has and cannot give: a name outside of the grammar, a tag that names nothing. */
export type Refuse = (refusal: Refusal) => void;

/**
 * Reads beside each other are allowed. Each method throws a `SourceFault` where something of the source is not as it must be:
 * what was asked for does not come then, and the rest does. Whatever else it throws ends the import.
 */
export interface ContentSource extends AsyncDisposable {
  /** Repositories that come beside each other, since most of the time goes into waiting for the disk; 1 where it is absent. */
  readonly repositoriesAtOnce?: number;
  listRepositories(refuse: Refuse): AsyncIterable<RepositoryName>;
  listTags(repository: RepositoryName, refuse: Refuse): AsyncIterable<SourceTag>;
  /** Manifests that are to come, tagged or not, in any order; what an index among them holds need not be named. */
  listManifests(repository: RepositoryName, refuse: Refuse): AsyncIterable<Digest>;
  /** undefined when the source does not have it. @throws {SourceFault} also for more than `maxBytes` bytes */
  readManifest(
    repository: RepositoryName,
    digest: Digest,
    maxBytes: number,
  ): Promise<SourceManifest | undefined>;
  /** undefined when the source does not have it for this repository. */
  findBlob(repository: RepositoryName, digest: Digest): Promise<SourceBlob | undefined>;
  /**
   * True for a blob that is taken from whoever holds it here, without its bytes being shown: left out because it is here
   * already, or one that the source says it has too. Absent elsewhere: a manifest that names a blob is no right to it.
   */
  leavesOut?(digest: Digest): boolean | Promise<boolean>;
  /** Bytes of all its blobs, each once, for whoever waits; absent where nobody can tell without reading them. */
  countBytes?(): Promise<number>;
}
