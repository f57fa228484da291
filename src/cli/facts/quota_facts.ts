/** How full the repositories with a quota are, at most once in a minute: a series for each rule, and none for each repository. */
import type { Settings } from "../../config/settings.ts";
import type { RepositoryName } from "../../core/repository_name.ts";
import type { Inventory } from "../../ports/inventory.ts";
import type { Gauge, Metrics } from "../../ports/metrics.ts";
import type { MetadataStore, Quota, Usage } from "../../ports/metadata_store.ts";
import { letOthersRun } from "../../registry/let_others_run.ts";
import type { Look } from "./scrape.ts";

/** ms for which what was found is shown again. */
const FRESH_MS = 60_000;

/** Repositories read between two pauses, and those below one rule that are looked at. */
const PAGE = 500;
const MOST_BELOW = 10_000;

const KINDS = ["bytes", "manifests", "tags"] as const satisfies (keyof Quota)[];

export interface QuotaFacts {
  readonly metrics: Metrics;
  readonly inventory: Inventory;
  readonly metadata: MetadataStore;
  /** Those in force. */
  readonly settings: () => Settings;
}

/** Gauges of each rule that sets a quota: the limit, and what the fullest of its repositories holds. */
export function watchQuotas({ metrics, settings, ...stores }: QuotaFacts): Look {
  let lookedAt = -Infinity;
  let shown: Gauge[] = [];
  return async () => {
    const now = performance.now();
    if (now - lookedAt < FRESH_MS) return;
    lookedAt = now;
    // Rules that a reload has taken away have no number any more.
    for (const gauge of shown) gauge.set(NaN);
    shown = [];
    const { repositories } = settings();
    for (const { name, quota } of repositories) {
      const limited = KINDS.filter((of) => quota[of] !== undefined);
      if (limited.length === 0) continue;
      const used = await findFullest(stores, name);
      for (const of of limited) {
        const gauges = [
          metrics.gauge("quota_limit", { configured: name, of }),
          metrics.gauge("quota_used", { configured: name, of }),
        ] as const;
        gauges[0].set(quota[of]!);
        gauges[1].set(used[of]);
        shown.push(...gauges);
      }
    }
  };
}

/** The most of each kind that a repository holds, of those at and below a name. */
async function findFullest(
  { inventory, metadata }: Pick<QuotaFacts, "inventory" | "metadata">,
  name: RepositoryName,
): Promise<Required<Quota>> {
  const most = { bytes: 0, manifests: 0, tags: 0 };
  const add = ({ blobBytes, manifestBytes, manifests, tags }: Usage): void => {
    most.bytes = Math.max(most.bytes, blobBytes + manifestBytes);
    most.manifests = Math.max(most.manifests, manifests);
    most.tags = Math.max(most.tags, tags);
  };
  add(await metadata.readUsage(name));
  const above = `${name}/`;
  for (let after = above as RepositoryName, seen = 0; seen < MOST_BELOW; seen += PAGE) {
    const page = await inventory.listRepositoryFacts({ after, limit: PAGE });
    for (const facts of page) {
      if (facts.repository.startsWith(above)) add(facts);
    }
    const last = page.at(-1)?.repository;
    if (last === undefined || page.length < PAGE || !last.startsWith(above)) break;
    after = last;
    await letOthersRun();
  }
  return most;
}
