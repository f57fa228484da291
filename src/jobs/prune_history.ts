/** Forgets the history of tags and of pulls when their time is over. */
import type { Clock } from "../ports/clock.ts";
import type { MetadataStore } from "../ports/metadata_store.ts";

/** Rows of one transaction, which holds up the writes of others. */
const AT_ONCE = 1000;

export interface PruneHistory {
  readonly metadata: MetadataStore;
  readonly clock: Clock;
  /** ms that a change of a tag can be taken back. */
  readonly tagHistoryMs: number;
  /** ms that is known who pulled. */
  readonly pullHistoryMs: number;
}

/** Gives how many changes of tags and how many pulls were forgotten. */
export async function pruneHistory(job: PruneHistory): Promise<{ changes: number; pulls: number }> {
  const { metadata, clock } = job;
  const now = clock.now();
  return {
    changes: await pruneAll((limit) => metadata.pruneTagHistory(now - job.tagHistoryMs, limit)),
    pulls: await pruneAll((limit) => metadata.prunePulls(now - job.pullHistoryMs, limit)),
  };
}

async function pruneAll(prune: (limit: number) => Promise<number>): Promise<number> {
  let pruned = 0;
  while (true) {
    const some = await prune(AT_ONCE);
    pruned += some;
    if (some < AT_ONCE) return pruned;
  }
}
