/** What retention rules see: one tag with its manifest, or a manifest that no tag names. */

/** What holds for all that is judged in one run in one repository. */
export interface RunFacts {
  /** Seconds since the epoch. */
  readonly now: bigint;
}

/** Times are seconds since the epoch, 0 for never. */
export interface ImageFacts {
  /** "" for a manifest that no tag names. */
  readonly tag: string;
  readonly repository: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly artifactType: string;
  /** Bytes of the manifest and of everything that it points at; 0 where no rule reads it. */
  readonly size: number;
  readonly annotations: ReadonlyMap<string, string>;
  readonly pushedAt: number;
  readonly lastPulledAt: number;
  readonly pulledCount: number;
  /** Place among the tags of the repository, from 0, the last pushed first; undefined for what has none. */
  readonly pushedRank: number | undefined;
  /** Place among the tags that were ever pulled, the last pulled first. */
  readonly pulledRank: number | undefined;
}

/** A map in which what is not there is ''. The engine takes maps of no class of ours. */
function withEmptyOnes(annotations: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const map = new Map(annotations);
  const get = map.get.bind(map);
  return Object.assign(map, { get: (key: string) => get(key) ?? "" });
}

export class ImageVariables {
  readonly tag: string;
  /** The repository name; `repository` is the same. */
  readonly namespace: string;
  readonly repository: string;
  readonly digest: string;
  readonly media_type: string;
  readonly artifact_type: string;
  readonly size: bigint;
  readonly annotations: ReadonlyMap<string, string>;
  readonly pushed_at: bigint;
  readonly last_pulled_at: bigint;
  readonly pulled_count: bigint;

  constructor(readonly facts: ImageFacts, readonly run: RunFacts) {
    this.tag = facts.tag;
    this.namespace = facts.repository;
    this.repository = facts.repository;
    this.digest = facts.digest;
    this.media_type = facts.mediaType;
    this.artifact_type = facts.artifactType;
    this.size = BigInt(facts.size);
    this.annotations = withEmptyOnes(facts.annotations);
    this.pushed_at = BigInt(facts.pushedAt);
    this.last_pulled_at = BigInt(facts.lastPulledAt);
    this.pulled_count = BigInt(facts.pulledCount);
  }
}
