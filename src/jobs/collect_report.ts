/** What a run of the collection removed, or in a dry run would remove, and why. */
import type { Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";

/** What can go, in the order in which it goes. */
export const GARBAGE_KINDS = ["referrer", "hold", "blob", "content", "repository", "stray"] as const;

export type GarbageKind = typeof GARBAGE_KINDS[number];

/** The reasons, one for each kind. */
const WHY: Readonly<Record<GarbageKind, string>> = {
  referrer: "its subject is gone, and no tag or index leads to it",
  hold: "no manifest of the repository references the blob",
  blob: "no repository holds it",
  content: "no repository has this manifest",
  repository: "nothing is left in it",
  stray: "neither a blob nor an upload session has this file",
};

export interface CollectedItem {
  readonly kind: GarbageKind;
  readonly repository?: RepositoryName;
  readonly digest?: Digest;
  /** Of a referrer. */
  readonly subject?: Digest;
  /** Of a stray, below the data directory. */
  readonly path?: string;
  /** Of content; a hold has those of its blob, which go with the last hold. */
  readonly bytes?: number;
  /** ms since it was pushed, announced or written to. */
  readonly age_ms?: number;
  readonly why: string;
}

export interface CollectReport {
  readonly dry_run: boolean;
  /** Why nothing was removed; undefined where the run was free to. */
  readonly waits?: string;
  readonly counts: Readonly<Record<GarbageKind, number>>;
  /** Bytes of the files that went: those of blobs, and strays. */
  readonly bytes_freed: number;
  readonly ms: number;
  /** The first of what went. */
  readonly items: readonly CollectedItem[];
}

/** Items that a report names; the others are counted. */
const MOST_NAMED = 10_000;

/** Gathers a report while the run goes on. */
export class Tally {
  readonly counts = Object.fromEntries(GARBAGE_KINDS.map((kind) => [kind, 0])) as Record<GarbageKind, number>;
  readonly items: CollectedItem[] = [];
  bytesFreed = 0;
  readonly #tell: (item: CollectedItem) => void;

  /** @param tell hears of each item */
  constructor(tell: (item: CollectedItem) => void) {
    this.#tell = tell;
  }

  add(item: Omit<CollectedItem, "why">): void {
    this.counts[item.kind]++;
    if (item.kind === "blob" || item.kind === "stray") this.bytesFreed += item.bytes ?? 0;
    const explained = { ...item, why: WHY[item.kind] };
    if (this.items.length < MOST_NAMED) this.items.push(explained);
    this.#tell(explained);
  }
}
