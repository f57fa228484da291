/** Forgets the history of tags and of pulls when their time is over. */
import type { MetadataStore } from "../ports/metadata_store.ts";

/** Rows of one transaction, which holds up the writes of others. */
const AT_ONCE = 1000;

export interface PruneHistory {
  readonly metadata: MetadataStore;
  /** ms since the epoch: changes of tags since then can be taken back. */
  readonly tagHistorySince: number;
  /** ms since the epoch: of pulls since then is known whose they were. */
  readonly pullHistorySince: number;
}

/** Gives how many changes of tags and how many pulls were forgotten. */
export async function pruneHistory(job: PruneHistory): Promise<{ changes: number; pulls: number }> {
  const { metadata, tagHistorySince, pullHistorySince } = job;
  return {
    changes: await pruneAll((limit) => metadata.pruneTagHistory(tagHistorySince, limit)),
    pulls: await pruneAll((limit) => metadata.prunePulls(pullHistorySince, limit)),
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
