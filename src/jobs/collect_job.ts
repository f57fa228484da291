/** What a run of the collection works with. */
import type { BlobStore } from "../ports/blob_store.ts";
import type { Garbage, GarbageLimits } from "../ports/garbage.ts";
import type { Inventory } from "../ports/inventory.ts";
import type { Log } from "../ports/log.ts";
import type { MetadataStore } from "../ports/metadata_store.ts";
import type { CollectStrays } from "./collect_strays.ts";

export interface Collect {
  readonly garbage: Garbage;
  readonly inventory: Inventory;
  readonly metadata: MetadataStore;
  readonly blobs: BlobStore;
  readonly log: Log;
  readonly limits: GarbageLimits;
  /** ms since the epoch, for the ages in the report. */
  readonly now: number;
  /** How to look for files that nothing names; absent where this run does not. */
  readonly strays?: Pick<CollectStrays, "files" | "store" | "isRipe">;
  /** Only says what would be removed. */
  readonly dryRun: boolean;
  /** Ends the run early. */
  readonly signal: AbortSignal;
  readonly progress: (what: string, done: number) => void;
}
