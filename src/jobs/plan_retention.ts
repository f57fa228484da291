/** What retention would remove from one repository, and why. Changes nothing. */
import type { Digest } from "../core/digest.ts";
import { isIndexType } from "../core/media_type.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import { subjectOfTag } from "../core/subject_of_tag.ts";
import type { Tag } from "../core/tag.ts";
import { ImageVariables } from "../policy/image_variables.ts";
import { readsPulls, type RetentionPolicy, type RetentionVerdict } from "../policy/retention_policies.ts";
import type { Inventory, ManifestFacts, TagFacts, TagRemoval } from "../ports/inventory.ts";
import { type GraphNode, ManifestGraph } from "./manifest_graph.ts";
import { walkManifests, walkRestorable, walkTags } from "./retention_walk.ts";

export interface PlanRetention {
  readonly inventory: Inventory;
  readonly repository: RepositoryName;
  readonly policy: RetentionPolicy;
  /** True for a tag that stays whatever the rules say. */
  readonly mustStay: (tag: Tag) => boolean;
  /** ms since the epoch. */
  readonly now: number;
  /** ms since the epoch: changes of tags since then can be taken back; undefined where none can. */
  readonly historySince: number | undefined;
  /** ms since the epoch: a manifest without a tag that was pushed or asked for since then may be part of a push under way. */
  readonly youngSince: number;
  /** Ends the judging early; what it gives then is of no use. */
  readonly signal: AbortSignal;
  /** Hears of rules that could not be judged. */
  readonly onFault: (verdict: RetentionVerdict & { readonly keeps: true }) => void;
}

export interface PlannedTag extends TagRemoval {
  readonly why: string;
}

export interface RepositoryPlan {
  readonly repository: RepositoryName;
  readonly tags: readonly PlannedTag[];
  readonly groups: readonly (readonly GraphNode[])[];
  /** Tags and manifests that were looked at. */
  readonly judged: { readonly tags: number; readonly manifests: number };
}

/** A tag and its place among the others. */
interface RankedTag extends TagFacts {
  readonly pushedRank: number | undefined;
  readonly pulledRank: number | undefined;
}

/** A tag that is made of a digest: it stays with what it is about, also where no rule keeps it. */
interface TiedTag {
  readonly tag: RankedTag;
  readonly about: Digest;
  readonly keepsByRule: boolean;
}

type Judge = (tag?: RankedTag) => boolean;

export async function planRetention(job: PlanRetention): Promise<RepositoryPlan> {
  const tags = await rankTags(job);
  const restorable = await findRestorable(job);
  const graph = new ManifestGraph();
  const going: PlannedTag[] = [];
  const tied: TiedTag[] = [];
  /** Manifests without a tag that a rule keeps, with what they are about. */
  const keptByRule: [Digest, Digest | undefined][] = [];
  let manifests = 0;
  for await (const manifest of walkManifests(job.inventory, job.repository)) {
    if (job.signal.aborted) break;
    manifests++;
    const judge = await makeJudge(job, manifest);
    const { digest, subject } = manifest;
    let kept = isYoung(job, manifest) || restorable.has(digest);
    let tagged = false;
    for (const tag of tags.byDigest.get(digest) ?? []) {
      const about = subjectOfTag(tag.tag);
      if (about !== undefined) {
        tied.push({ tag, about, keepsByRule: judge(tag) });
        tagged = true;
      } else if (job.mustStay(tag.tag) || judge(tag)) {
        kept = tagged = true;
      } else {
        going.push({ ...removalOf(job, tag), why: "no rule keeps it" });
        // The tag can be taken back for a time, and needs its manifest for that.
        if (job.historySince !== undefined) kept = tagged = true;
      }
    }
    if (!kept && !tagged && judge()) keptByRule.push([digest, subject]);
    graph.add(manifest, await findChildren(job, manifest), kept);
  }
  for (const [digest, subject] of keptByRule) {
    // A referrer without a tag is not judged for itself: it goes with what it is about.
    if (subject === undefined || !graph.has(subject)) graph.keep(digest);
  }
  going.push(...decideTied(job, graph, tied));
  return {
    repository: job.repository,
    tags: going.sort((one, other) => one.tag < other.tag ? -1 : 1),
    groups: graph.groupsToRemove(),
    judged: { tags: tags.count, manifests },
  };
}

/** Tags that go because neither a rule nor what they are about keeps them. */
function decideTied(job: PlanRetention, graph: ManifestGraph, tied: readonly TiedTag[]): PlannedTag[] {
  const open = tied.filter(({ tag, about, keepsByRule }) => {
    const stays = job.mustStay(tag.tag) || keepsByRule;
    if (stays) graph.keep(tag.digest);
    else graph.tie(about, tag.digest);
    return !stays;
  });
  graph.keepReachable();
  const going = open.filter(({ about }) => !graph.isKept(about));
  if (job.historySince !== undefined) { for (const { tag } of going) graph.keep(tag.digest); }
  graph.keepReachable();
  return going.map(({ tag, about }) => {
    const why = graph.has(about)
      ? `no rule keeps it, and ${about} goes, which it is about`
      : "no rule keeps it";
    return { ...removalOf(job, tag), why };
  });
}

async function rankTags(job: PlanRetention): Promise<{ byDigest: Map<Digest, RankedTag[]>; count: number }> {
  const all: TagFacts[] = [];
  for await (const tag of walkTags(job.inventory, job.repository)) {
    if (job.signal.aborted) break;
    all.push(tag);
  }
  const pushed = rank(all, ({ pushedAt }) => pushedAt);
  const pulled = rank(all, ({ pulledAt }) => pulledAt);
  const byDigest = new Map<Digest, RankedTag[]>();
  for (const tag of all) {
    const ranked = { ...tag, pushedRank: pushed.get(tag.tag), pulledRank: pulled.get(tag.tag) };
    const list = byDigest.get(tag.digest);
    if (list === undefined) byDigest.set(tag.digest, [ranked]);
    else list.push(ranked);
  }
  return { byDigest, count: all.length };
}

/** Places from 0, the latest first; none for a tag without the time, nor for one that is made of a digest. */
function rank(tags: readonly TagFacts[], timeOf: (tag: TagFacts) => number | undefined): Map<Tag, number> {
  const ranked = tags.filter((tag) => timeOf(tag) !== undefined && subjectOfTag(tag.tag) === undefined);
  ranked.sort((one, other) => timeOf(other)! - timeOf(one)! || (one.tag < other.tag ? -1 : 1));
  return new Map(ranked.map(({ tag }, place) => [tag, place]));
}

async function findRestorable(job: PlanRetention): Promise<Set<Digest>> {
  const restorable = new Set<Digest>();
  if (job.historySince === undefined) return restorable;
  for await (const digest of walkRestorable(job.inventory, job.repository, job.historySince)) {
    restorable.add(digest);
  }
  return restorable;
}

async function findChildren(job: PlanRetention, { digest, mediaType }: ManifestFacts): Promise<Digest[]> {
  return isIndexType(mediaType) ? await job.inventory.listChildren(job.repository, digest) : [];
}

async function makeJudge(job: PlanRetention, manifest: ManifestFacts): Promise<Judge> {
  const { policy, repository } = job;
  const size = policy.reads("image.size") ? await job.inventory.sumContent(repository, manifest.digest) : 0;
  const annotations = policy.reads("image.annotations") && manifest.annotations !== undefined
    ? new Map<string, string>(Object.entries(JSON.parse(manifest.annotations)))
    : new Map<string, string>();
  const run = { now: inSeconds(job.now) };
  return (tag) => {
    const { pushedAt, pulledAt = 0, pullCount } = tag ?? manifest;
    const image = new ImageVariables({
      tag: tag?.tag ?? "",
      repository,
      digest: manifest.digest,
      mediaType: manifest.mediaType,
      artifactType: manifest.artifactType ?? "",
      size,
      annotations,
      pushedAt: Number(inSeconds(pushedAt)),
      lastPulledAt: Number(inSeconds(pulledAt)),
      pulledCount: pullCount,
      pushedRank: tag?.pushedRank,
      pulledRank: tag?.pulledRank,
    }, run);
    const verdict = policy.judge(image);
    if (verdict.keeps && verdict.error !== undefined) job.onFault(verdict);
    return verdict.keeps;
  };
}

function inSeconds(ms: number): bigint {
  return BigInt(Math.floor(ms / 1000));
}

/**
 * A push of an index begins with the manifests below it, and with asking for those that are there already. A clock that
 * was set back makes everything young.
 */
function isYoung({ youngSince }: PlanRetention, { pushedAt, pulledAt = 0 }: ManifestFacts): boolean {
  return Math.max(pushedAt, pulledAt) > youngSince;
}

function removalOf({ policy }: PlanRetention, { tag, digest, pushedAt, pullCount }: TagFacts): TagRemoval {
  return { tag, digest, pushedAt, ...(policy.rules.some(readsPulls) && { pulls: pullCount }) };
}
