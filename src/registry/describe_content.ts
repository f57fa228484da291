/** What is in the registry, for people and programs that look at more than one image: the verbs of the extension API. */
import type { Caller } from "../core/caller.ts";
import type { Digest } from "../core/digest.ts";
import { type Platform, readPlatforms } from "../core/index_platforms.ts";
import { OciError } from "../core/oci_error.ts";
import type { Reference } from "../core/reference.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { UploadSessionId } from "../core/upload_session_id.ts";
import type { ManifestFacts, PullFacts, RepositoryFacts } from "../ports/inventory.ts";
import type { Quota, UploadSession } from "../ports/metadata_store.ts";
import { isAllowed } from "./authorize.ts";
import { letOthersRun } from "./let_others_run.ts";
import type { Page } from "./list.ts";
import type { Registry } from "./registry.ts";

/** Most manifests of one page: each takes several look-ups. */
export const LARGEST_DETAILED_PAGE = 100;

/** Manifests described between two pauses, in which other requests go on. */
const BETWEEN_PAUSES = 10;

/** What one manifest is shown with. */
const MOST_TAGS = 100;
const MOST_PARENTS = 20;
const MOST_TAGS_OF_PARENT = 10;
const MOST_REFERRERS = 100;

/** A page of manifests ends when it has so many characters: annotations of referrers can be long. */
const PAGE_CHARACTERS = 4 * 1024 * 1024;

/** Pulls that a list shows. */
const MOST_PULLS = 100;

/** Repositories looked at in one step while looking for those that the caller may see. */
const STEP = 500;

/** An index whose platforms are read, in bytes; a larger one holds up other requests. */
const LARGEST_READ_INDEX = 256 * 1024;

export interface DescribedRepository extends RepositoryFacts {
  readonly quota: Quota;
}

export interface DescribedManifest extends ManifestFacts {
  readonly tags: readonly Tag[];
  readonly parents: readonly DescribedParent[];
  readonly referrers: readonly DescribedReferrer[];
}

export interface DescribedParent {
  readonly digest: Digest;
  readonly tags: readonly Tag[];
  /** What the parent says that the manifest is for. */
  readonly platform: Platform | undefined;
}

export interface DescribedReferrer {
  readonly digest: Digest;
  readonly artifactType: string | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

export interface DescribedUpload {
  readonly session: UploadSession;
  /** Bytes received so far. */
  readonly size: number;
}

interface PageAsked {
  readonly limit: number;
  /** Exclusive; "" is before the first. */
  readonly after: string;
}

/**
 * Repositories that hold something and whose manifests the caller may list, in byte order.
 *
 * @param below only that one and those below it
 */
export async function describeRepositories(
  registry: Registry,
  caller: Caller,
  { limit, after }: PageAsked,
  below?: RepositoryName,
): Promise<Page<DescribedRepository>> {
  const entries: DescribedRepository[] = [];
  const isBelow = (name: string) => below === undefined || name === below || name.startsWith(`${below}/`);
  // A name sorts before all names below it, and those that only begin alike ("a-b" beside "a/b") may lie between.
  let position = below !== undefined && after < below ? before(below) : after;
  while (limit > 0) {
    const step = await registry.inventory.listRepositoryFacts({
      after: position as RepositoryName,
      limit: STEP,
    });
    for (const facts of step) {
      const { repository } = facts;
      if (below !== undefined && !repository.startsWith(below)) return { entries, next: undefined };
      if (facts.manifests + facts.blobs === 0 || !isBelow(repository)) continue;
      if (!await isAllowed(registry, caller, { action: "list-revisions", repository })) continue;
      if (entries.length === limit) return { entries, next: entries.at(-1)!.repository };
      entries.push({ ...facts, quota: registry.rulesOf(repository).quota });
    }
    if (step.length < STEP) break;
    position = step.at(-1)!.repository;
    await letOthersRun();
  }
  return { entries, next: undefined };
}

/** Manifests of a repository in order of their digests, with what leads to them. @throws {OciError} NAME_UNKNOWN */
export async function describeManifests(
  registry: Registry,
  repository: RepositoryName,
  { limit, after }: PageAsked,
): Promise<Page<DescribedManifest>> {
  await requireRepository(registry, repository);
  const size = Math.min(limit, LARGEST_DETAILED_PAGE);
  if (size === 0) return { entries: [], next: undefined };
  const found = await registry.inventory.listManifestFacts(repository, {
    after: after as Digest,
    limit: size,
  });
  const platforms = new Map<Digest, Map<Digest, Platform>>();
  const entries: DescribedManifest[] = [];
  let characters = 0;
  for (const facts of found) {
    const manifest: DescribedManifest = {
      ...facts,
      tags: await registry.metadata.listTagsOf(repository, facts.digest, { limit: MOST_TAGS }),
      parents: await describeParents(registry, repository, facts.digest, platforms),
      referrers: await describeReferrers(registry, repository, facts.digest),
    };
    entries.push(manifest);
    characters += JSON.stringify(manifest).length;
    if (characters >= PAGE_CHARACTERS) break;
    if (entries.length % BETWEEN_PAUSES === 0) await letOthersRun();
  }
  // A page of much text may be short, and more may follow all the same.
  const last = entries.at(-1)?.digest;
  const more = last !== undefined &&
    (await registry.inventory.listManifestFacts(repository, { after: last, limit: 1 })).length > 0;
  return { entries, next: more ? last : undefined };
}

/** Upload sessions of a repository that are not finished, in order of their ids. */
export async function describeUploads(
  registry: Registry,
  repository: RepositoryName,
  { limit, after }: PageAsked,
): Promise<Page<DescribedUpload>> {
  const sessions = limit === 0 ? [] : await registry.inventory.listUploadsOf(repository, {
    after: after as UploadSessionId,
    limit: limit + 1,
  });
  const shown = sessions.slice(0, limit);
  const entries: DescribedUpload[] = [];
  for (const session of shown) entries.push({ session, size: await registry.blobs.uploadSize(session.id) });
  return { entries, next: sessions.length > limit ? shown.at(-1)?.id : undefined };
}

/** Who pulled a tag or a manifest last, newest first. */
export async function describePulls(
  registry: Registry,
  repository: RepositoryName,
  of: Reference,
): Promise<PullFacts[]> {
  return await registry.inventory.listPulls(repository, of, MOST_PULLS);
}

async function describeParents(
  registry: Registry,
  repository: RepositoryName,
  digest: Digest,
  platforms: Map<Digest, Map<Digest, Platform>>,
): Promise<DescribedParent[]> {
  const parents = await registry.inventory.listParents(repository, digest, MOST_PARENTS);
  const described: DescribedParent[] = [];
  for (const parent of parents) {
    let known = platforms.get(parent);
    if (known === undefined) {
      const index = await registry.metadata.findManifest(repository, { kind: "digest", digest: parent });
      const isRead = index !== undefined && index.bytes.length <= LARGEST_READ_INDEX;
      known = isRead ? readPlatforms(index.bytes) : new Map<Digest, Platform>();
      platforms.set(parent, known);
    }
    described.push({
      digest: parent,
      tags: await registry.metadata.listTagsOf(repository, parent, { limit: MOST_TAGS_OF_PARENT }),
      platform: known.get(digest),
    });
  }
  return described;
}

async function describeReferrers(
  registry: Registry,
  repository: RepositoryName,
  digest: Digest,
): Promise<DescribedReferrer[]> {
  const referrers = await registry.metadata.listReferrers(repository, digest, { limit: MOST_REFERRERS });
  return referrers.map(({ digest, artifactType, annotations }) => ({ digest, artifactType, annotations }));
}

async function requireRepository(registry: Registry, repository: RepositoryName): Promise<void> {
  if (await registry.metadata.hasRepository(repository)) return;
  throw new OciError("NAME_UNKNOWN", { message: `There is no repository "${repository}"` });
}

/** A position after which `name` comes next. */
function before(name: string): string {
  const last = name.length - 1;
  return name.slice(0, last) + String.fromCharCode(name.charCodeAt(last) - 1) + "\u{10ffff}";
}
