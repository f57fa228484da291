/** Retention: plans for all repositories first, then removes, unless the plan would remove too much. */
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { RetentionPolicies } from "../policy/retention_policies.ts";
import type { Clock } from "../ports/clock.ts";
import type { Inventory } from "../ports/inventory.ts";
import type { Log } from "../ports/log.ts";
import type { GraphNode } from "./manifest_graph.ts";
import { type PlannedTag, planRetention, type RepositoryPlan } from "./plan_retention.ts";
import { walkRepositories } from "./retention_walk.ts";

/** Tags removed in one transaction, which holds up the writes of others. */
const AT_ONCE = 200;

/** Manifests removed in one transaction: a subject goes with all its referrers or not at all. */
const MOST_IN_GROUP = 5000;

/** Removals that a report names; the others are counted. */
const MOST_NAMED = 10_000;

export interface RunRetention {
  readonly inventory: Inventory;
  readonly policies: RetentionPolicies;
  /** True for a tag that stays whatever the rules say. */
  readonly mustStay: (repository: RepositoryName, tag: Tag) => boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** ms since the epoch: changes of tags since then can be taken back; undefined where none can. */
  readonly historySince: number | undefined;
  /** ms since the epoch: a manifest without a tag that was pushed or asked for since then is left alone. */
  readonly youngSince: number;
  /** Of the tags, and of the manifests, that are judged. */
  readonly maxRemovalsPercent: number;
  /** Only says what would be removed. */
  readonly dryRun: boolean;
  /** Ends the run early: between two repositories or pages while it judges, between two transactions while it removes. */
  readonly signal: AbortSignal;
  readonly progress: (what: string, done: number, total?: number) => void;
}

export interface Removal {
  readonly repository: RepositoryName;
  /** undefined for a manifest. */
  readonly tag?: Tag;
  readonly digest: string;
  readonly why: string;
}

export interface RetentionReport {
  readonly dry_run: boolean;
  /** Why nothing was removed; undefined where the plan was within its bounds. */
  readonly stopped?: string;
  readonly judged: { readonly repositories: number; readonly tags: number; readonly manifests: number };
  /** What was removed, or would be in a dry run or without the stop. */
  readonly tags: number;
  readonly manifests: number;
  /** The first of them. */
  readonly removals: readonly Removal[];
}

export async function runRetention(job: RunRetention): Promise<RetentionReport> {
  const at = job.clock.now();
  const plans = await planAll(job, at);
  const judged = {
    repositories: plans.length,
    tags: sum(plans, (plan) => plan.judged.tags),
    manifests: sum(plans, (plan) => plan.judged.manifests),
  };
  const planned = {
    tags: sum(plans, (plan) => plan.tags.length),
    manifests: sum(plans, (plan) => sum(plan.groups, (group) => group.length)),
  };
  const stopped = job.signal.aborted
    ? "the run was told to end before everything was judged"
    : excessOf(job, planned, judged);
  const report = new Report();
  if (stopped !== undefined) {
    job.log[job.signal.aborted ? "info" : "error"]("retention removed nothing", { reason: stopped });
  }
  for (const plan of plans) {
    if (job.dryRun || stopped !== undefined) listPlan(plan, report);
    else await carryOut(job, plan, report);
  }
  const { tags, manifests, removals } = report;
  if (!job.dryRun && stopped === undefined) {
    job.log.info("retention ran", { ...judged, removed: { tags, manifests } });
  }
  return {
    dry_run: job.dryRun,
    ...(stopped !== undefined && { stopped }),
    judged,
    tags,
    manifests,
    removals,
  };
}

class Report {
  tags = 0;
  manifests = 0;
  readonly removals: Removal[] = [];

  add(removal: Removal): void {
    if (removal.tag === undefined) this.manifests++;
    else this.tags++;
    if (this.removals.length < MOST_NAMED) this.removals.push(removal);
  }
}

async function planAll(job: RunRetention, now: number): Promise<RepositoryPlan[]> {
  const plans: RepositoryPlan[] = [];
  /** A rule that fails for one tag fails for many: the log hears of each once. */
  const failed = new Set<string>();
  for await (const repository of walkRepositories(job.inventory)) {
    if (job.signal.aborted) break;
    const policy = job.policies.find(repository);
    if (policy === undefined) continue;
    job.progress(`judging ${repository}`, plans.length);
    plans.push(
      await planRetention({
        ...job,
        repository,
        policy,
        now,
        mustStay: (tag) => job.mustStay(repository, tag),
        onFault({ rule, error }) {
          const place = `${rule.file}:${rule.line}`;
          if (failed.has(place)) return;
          failed.add(place);
          job.log.warn("a retention rule could not be judged, so it keeps", {
            rule: place,
            error,
            repository,
          });
        },
      }),
    );
  }
  return plans;
}

/** A sentence where a plan goes beyond `max_removals_percent`: a slip in a rule must not empty a registry. */
function excessOf(
  { maxRemovalsPercent }: RunRetention,
  planned: { readonly tags: number; readonly manifests: number },
  judged: { readonly tags: number; readonly manifests: number },
): string | undefined {
  for (const kind of ["tags", "manifests"] as const) {
    if (planned[kind] * 100 <= judged[kind] * maxRemovalsPercent) continue;
    const percent = Math.floor(planned[kind] * 100 / judged[kind]);
    return `${planned[kind]} of ${
      judged[kind]
    } ${kind} (${percent} %) would go, more than max_removals_percent = ` +
      `${maxRemovalsPercent} allows: look at them with "retention --dry-run", and if they are to go, run ` +
      `"retention --max-removals-percent ${Math.min(100, percent + 1)}"`;
  }
  return undefined;
}

function listPlan(plan: RepositoryPlan, report: Report): void {
  for (const tag of plan.tags) report.add(removalOfTag(plan.repository, tag));
  for (const { digest } of plan.groups.flat()) report.add(removalOfManifest(plan.repository, digest));
}

async function carryOut(job: RunRetention, plan: RepositoryPlan, report: Report): Promise<void> {
  const { inventory, log, progress } = job;
  const { repository } = plan;
  const rules = job.policies.find(repository)!.rules.map(({ file, line }) => `${file}:${line}`);
  const tell = (removal: Removal): void => {
    report.add(removal);
    log.info("retention removed", { ...removal, rules });
  };
  for (let start = 0; start < plan.tags.length && !job.signal.aborted; start += AT_ONCE) {
    const some = plan.tags.slice(start, start + AT_ONCE);
    const removed = new Set(await inventory.removeTags(repository, some, job.clock.now()));
    for (const tag of some) if (removed.has(tag.tag)) tell(removalOfTag(repository, tag));
    progress(`tags of ${repository}`, start + some.length, plan.tags.length);
  }
  // Until now the history of the tags that went today was not a reason to keep; those of others since then are.
  const historySince = job.historySince ?? Infinity;
  await removeGroups(plan, log, async (group) => {
    if (job.signal.aborted) return false;
    const removed = await inventory.removeManifests({
      repository,
      manifests: group.map(pickState),
      historySince,
    });
    if (removed) { for (const { digest } of group) tell(removalOfManifest(repository, digest)); }
    return removed;
  });
}

/** Goes on until nothing more can go: what an index held can go once the index has gone. */
async function removeGroups(
  { repository, groups }: RepositoryPlan,
  log: Log,
  remove: (group: readonly GraphNode[]) => Promise<boolean>,
): Promise<void> {
  let left = groups.filter((group) => {
    if (group.length <= MOST_IN_GROUP) return true;
    log.warn("a manifest has too many referrers to be removed with them at once; delete some of them", {
      repository,
      manifests: group.length,
      most: MOST_IN_GROUP,
      one_of_them: group[0]!.digest,
    });
    return false;
  });
  for (let before = left.length + 1; left.length > 0 && left.length < before;) {
    before = left.length;
    const staying: (readonly GraphNode[])[] = [];
    for (const group of left) if (!await remove(group)) staying.push(group);
    left = staying;
  }
}

function pickState(
  { digest, pushedAt, pulledAt }: GraphNode,
): Omit<GraphNode, "subject" | "children" | "kept"> {
  return { digest, pushedAt, pulledAt };
}

function removalOfTag(repository: RepositoryName, { tag, digest, why }: PlannedTag): Removal {
  return { repository, tag, digest, why };
}

function removalOfManifest(repository: RepositoryName, digest: string): Removal {
  return { repository, digest, why: "no tag, index or subject that stays leads to it, and no rule keeps it" };
}

function sum<T>(list: readonly T[], of: (each: T) => number): number {
  return list.reduce((total, each) => total + of(each), 0);
}
