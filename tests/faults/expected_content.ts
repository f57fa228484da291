/** What a repository must hold, what it may hold, and what an unanswered request leaves open. */
import assert from "node:assert/strict";
import type { Digest } from "../../src/core/digest.ts";

/** Digests that were deleted and have to stay away, as many as are asked for again. */
const MOST_DELETED = 40;

export interface ExpectedManifest {
  /** Its config and layers. */
  readonly blobs: readonly Digest[];
  /** Where that is gone, the manifest may be too. */
  readonly subject?: Digest;
}

export interface ExpectedBlob {
  /** Bytes. */
  readonly size: number;
  /** When a request was sent that was answered with "it is there"; ms of `performance.now()`. */
  readonly toldAt: number;
}

/** One repository at one time. */
export interface RepositoryState {
  readonly tags: ReadonlyMap<string, Digest>;
  readonly manifests: ReadonlyMap<Digest, ExpectedManifest>;
  readonly blobs: ReadonlyMap<Digest, ExpectedBlob>;
}

/** What was found in a repository. */
export interface FoundContent {
  readonly tags: ReadonlyMap<string, Digest>;
  readonly manifests: ReadonlySet<Digest>;
  readonly blobs: ReadonlySet<Digest>;
}

/** When a registry ended and the next one began, in ms of `performance.now()`. */
export interface Restart {
  readonly killedAt: number;
  readonly startedAt: number;
}

export type Change = (state: RepositoryState) => RepositoryState;

export function withBlob(digest: Digest, size: number): Change {
  const toldAt = performance.now();
  return (state) => ({ ...state, blobs: new Map(state.blobs).set(digest, { size, toldAt }) });
}

export function withoutBlob(digest: Digest): Change {
  return (state) => ({ ...state, blobs: without(state.blobs, (key) => key === digest) });
}

export function withManifest(digest: Digest, manifest: ExpectedManifest, tag?: string): Change {
  return ({ tags, manifests, blobs }) => ({
    tags: tag === undefined ? tags : new Map(tags).set(tag, digest),
    manifests: new Map(manifests).set(digest, manifest),
    blobs,
  });
}

/** A manifest goes with every tag that names it. */
export function withoutManifest(digest: Digest): Change {
  return ({ tags, manifests, blobs }) => ({
    tags: without(tags, (_, named) => named === digest),
    manifests: without(manifests, (key) => key === digest),
    blobs,
  });
}

export function withoutTag(tag: string): Change {
  return (state) => ({ ...state, tags: without(state.tags, (key) => key === tag) });
}

/** True for a manifest whose subject is gone: it may be collected. */
function isOrphan({ manifests }: RepositoryState, { subject }: ExpectedManifest): boolean {
  return subject !== undefined && !manifests.has(subject);
}

/** True when a manifest that has to be there needs the blob. */
function isReferenced(state: RepositoryState, blob: Digest): boolean {
  return state.manifests.values().some((each) => each.blobs.includes(blob) && !isOrphan(state, each));
}

/** One repository with one client, which sends one request after the other. */
export class ExpectedContent {
  /** ms for which a client may count on a blob that it was told of. */
  readonly promiseMs: number;
  #sure: RepositoryState = { tags: new Map(), manifests: new Map(), blobs: new Map() };
  /** How it is if the request that got no answer was done. */
  #open: RepositoryState | undefined;
  readonly #changes: Change[] = [];
  readonly #deleted = new Set<Digest>();
  #acknowledged = 0;

  constructor(promiseMs: number) {
    this.promiseMs = promiseMs;
  }

  get sure(): RepositoryState {
    return this.#sure;
  }

  /** Changes that were answered. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Everything that is worth to be asked for: what should be there, and what was deleted. */
  get worthAsking(): { readonly manifests: Set<Digest>; readonly blobs: Set<Digest> } {
    const states = this.#open === undefined ? [this.#sure] : [this.#sure, this.#open];
    return {
      manifests: new Set([...this.#deleted, ...states.flatMap(({ manifests }) => [...manifests.keys()])]),
      blobs: new Set([...this.#deleted, ...states.flatMap(({ blobs }) => [...blobs.keys()])]),
    };
  }

  /** Every change that was asked for, in order. */
  get changes(): readonly Change[] {
    return this.#changes;
  }

  /** A request is sent; until it is answered, both states are possible. Gives its place among the changes. */
  begin(change: Change): number {
    this.#open = change(this.#sure);
    return this.#changes.push(change) - 1;
  }

  /** The request was done. */
  acknowledge(): void {
    const [before, after] = [this.#sure, this.#open!];
    for (const digest of [...before.manifests.keys(), ...before.blobs.keys()]) {
      if (!after.manifests.has(digest) && !after.blobs.has(digest)) this.#deleted.add(digest);
    }
    for (const digest of [...after.manifests.keys(), ...after.blobs.keys()]) this.#deleted.delete(digest);
    while (this.#deleted.size > MOST_DELETED) this.#deleted.delete(this.#deleted.values().next().value!);
    this.#sure = after;
    this.#open = undefined;
    this.#acknowledged++;
  }

  /** The request was refused, and nothing has changed. */
  refuse(): void {
    this.#open = undefined;
  }

  /** True when a blob may have been collected by the time `at`, in ms of `performance.now()`. */
  mayBeCollected(state: RepositoryState, blob: Digest, at: number): boolean {
    return !isReferenced(state, blob) && at - state.blobs.get(blob)!.toldAt > this.promiseMs;
  }

  /**
   * Takes what was found as the state from now on.
   *
   * @param at until when something may have been collected, in ms of `performance.now()`
   * @throws {AssertionError} as {@linkcode judge}
   */
  reconcile(found: FoundContent, at: number): void {
    const { tags, manifests, blobs } = this.judge(found, at);
    this.#sure = {
      tags,
      manifests: without(manifests, (digest) => !found.manifests.has(digest)),
      blobs: without(blobs, (digest) => !found.blobs.has(digest)),
    };
    this.#open = undefined;
  }

  /**
   * Gives the state that was found.
   *
   * @throws {AssertionError} when it is neither the one before nor the one after the unanswered request, but for what may have
   * been collected
   */
  judge(found: FoundContent, at: number): RepositoryState {
    const states = this.#open === undefined ? [this.#sure] : [this.#open, this.#sure];
    const faults = states.map((state) => this.#faultsOf(state, found, at));
    const fitting = faults.findIndex((each) => each.length === 0);
    assert.ok(fitting >= 0, faults.map((each) => each.join("; ")).join("\nor, had it not been done: "));
    return states[fitting]!;
  }

  #faultsOf(state: RepositoryState, found: FoundContent, at: number): string[] {
    const faults: string[] = [];
    for (const tag of new Set([...state.tags.keys(), ...found.tags.keys()])) {
      const [expected, named] = [state.tags.get(tag), found.tags.get(tag)];
      if (expected !== named) faults.push(`tag ${tag} names ${named}, expected ${expected}`);
    }
    for (const [digest, manifest] of state.manifests) {
      if (found.manifests.has(digest) || isOrphan(state, manifest)) continue;
      faults.push(`manifest ${digest} is lost`);
    }
    for (const digest of state.blobs.keys()) {
      if (found.blobs.has(digest) || this.mayBeCollected(state, digest, at)) continue;
      faults.push(`blob ${digest} is lost${isReferenced(state, digest) ? ", and a manifest names it" : ""}`);
    }
    for (const digest of found.manifests) {
      if (!state.manifests.has(digest)) faults.push(`manifest ${digest} was deleted and is there`);
    }
    for (const digest of found.blobs) {
      if (!state.blobs.has(digest)) faults.push(`blob ${digest} was deleted and is there`);
    }
    return faults;
  }
}

function without<K, V>(map: ReadonlyMap<K, V>, goes: (key: K, value: V) => boolean): Map<K, V> {
  return new Map([...map].filter(([key, value]) => !goes(key, value)));
}
