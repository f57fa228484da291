/** What must be there, kept by hand from what was done. Times are ms that servers have run, which no clock tells. */
import type { Digest } from "../../src/core/digest.ts";
import type { Quota, Usage } from "../../src/ports/metadata_store.ts";
import { manifestOf, sizeOfBlob } from "./contents.ts";

export interface Times {
  /** Within which what was pushed, asked for or pulled stays. */
  readonly grace: number;
  /** Within which a change of a tag can be taken back. */
  readonly history: number;
  /** Within which retention leaves a manifest without a tag alone. */
  readonly young: number;
}

export class RepositoryModel {
  /** Blobs, with the time of the last announcement. */
  readonly holds = new Map<Digest, number>();
  /** Manifests, with the time of the last push or pull. */
  readonly manifests = new Map<Digest, number>();
  readonly tags = new Map<string, Digest>();
  /** When a tag last lost a manifest. */
  readonly lost = new Map<Digest, number>();
  /** All that a tag has named. */
  readonly named = new Map<string, Set<Digest>>();
  /** When a manifest was deleted. */
  readonly deleted = new Map<Digest, number>();

  /** @param quota of the repository */
  constructor(readonly quota: Quota) {}

  get usage(): Usage {
    const sum = (digests: Iterable<Digest>, sizeOf: (digest: Digest) => number) =>
      [...digests].reduce((total, digest) => total + sizeOf(digest), 0);
    return {
      blobBytes: sum(this.holds.keys(), (digest) => sizeOfBlob.get(digest)!),
      manifestBytes: sum(this.manifests.keys(), (digest) => manifestOf.get(digest)!.bytes.length),
      blobs: this.holds.size,
      manifests: this.manifests.size,
      tags: this.tags.size,
    };
  }

  /** Whether so much more would pass the quota. */
  isOver(adds: Partial<Record<keyof Quota, number>>): boolean {
    const { blobBytes, manifestBytes, manifests, tags } = this.usage;
    const used = { bytes: blobBytes + manifestBytes, manifests, tags };
    return (Object.keys(adds) as (keyof Quota)[]).some((of) =>
      used[of] + adds[of]! > (this.quota[of] ?? Infinity)
    );
  }

  name(tag: string, digest: Digest | undefined, now: number): void {
    const before = this.tags.get(tag);
    if (before !== undefined && before !== digest) this.lost.set(before, now);
    if (digest === undefined) {
      this.tags.delete(tag);
    } else {
      this.tags.set(tag, digest);
      this.named.set(tag, (this.named.get(tag) ?? new Set()).add(digest));
    }
  }

  deleteManifest(digest: Digest, now: number): void {
    this.manifests.delete(digest);
    this.deleted.set(digest, now);
    for (const [tag, named] of this.tags) if (named === digest) this.name(tag, undefined, now);
  }

  /** Whether a manifest of the repository leads to a blob. */
  needs(blob: Digest): boolean {
    return [...this.manifests.keys()].some((digest) => manifestOf.get(digest)!.blobs.includes(blob));
  }

  /** Manifests that no collection may take: all but referrers whose subject is gone, and what those lead to. */
  keptByCollection(now: number, { grace, history }: Times): Set<Digest> {
    const roots = this.#roots(now, grace, history);
    for (const digest of this.manifests.keys()) {
      const { subject } = manifestOf.get(digest)!;
      const mayComeBack = subject !== undefined && now - (this.deleted.get(subject) ?? -Infinity) < grace;
      if (subject === undefined || mayComeBack) roots.push(digest);
    }
    return this.#reach(roots, false);
  }

  /** Manifests that retention may not take, whatever the rules are. */
  keptByRetention(now: number, { young, history }: Times): Set<Digest> {
    return this.#reach(this.#roots(now, young, history), true);
  }

  #roots(now: number, young: number, history: number): Digest[] {
    const within = (times: Map<Digest, number>, age: number) =>
      [...times].filter(([, at]) => now - at < age).map(([digest]) => digest);
    return [...this.tags.values(), ...within(this.lost, history), ...within(this.manifests, young)];
  }

  /** @param upwards whether a referrer keeps its subject */
  #reach(roots: readonly Digest[], upwards: boolean): Set<Digest> {
    const reached = new Set<Digest>();
    const waiting = [...roots];
    for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
      if (reached.has(digest) || !this.manifests.has(digest)) continue;
      reached.add(digest);
      const { children, subject } = manifestOf.get(digest)!;
      waiting.push(...children);
      if (upwards && subject !== undefined) waiting.push(subject);
      for (const other of this.manifests.keys()) {
        if (manifestOf.get(other)!.subject === digest) waiting.push(other);
      }
    }
    return reached;
  }
}
