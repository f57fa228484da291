/** Referrers: the manifests whose subject is a given one, with those that older clients listed in a fallback tag. */
import type { Descriptor } from "../core/descriptor.ts";
import { algorithmOf, type Digest, hexOf } from "../core/digest.ts";
import { describeEntry } from "../core/index_entries.ts";
import { isIndexType } from "../core/media_type.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { Page } from "./list.ts";
import type { Registry } from "./registry.ts";

/** Descriptors of one answer at most. */
const LARGEST_REFERRERS_PAGE = 100;

/** A page also ends when its annotations have so many characters, whoever wrote them down. */
const PAGE_CHARACTERS = 256 * 1024;

/** Entries of a fallback tag that one answer looks up; a page ends there, since a client may list any number of what is not there. */
const MOST_LOOK_UPS = 1000;

/** An entry of a fallback tag. */
interface Listed {
  readonly digest: Digest;
  readonly describe: () => Descriptor;
}

export interface ReferrersRequest {
  readonly repository: RepositoryName;
  readonly subject: Digest;
  readonly artifactType: string | undefined;
  /** Only referrers behind this digest in byte order. */
  readonly after: Digest | undefined;
}

/**
 * One page in order of digests, at most 100; empty for an unknown subject or repository (distribution-spec end-12).
 *
 * @param elsewhere further referrers that the repository need not hold, in any order
 */
export async function listReferrers(
  registry: Registry,
  request: ReferrersRequest,
  elsewhere: readonly Descriptor[] = [],
): Promise<Page<Descriptor>> {
  const found = await findRecorded(registry, request, request.after, LARGEST_REFERRERS_PAGE);
  const last = found.at(-1)?.digest;
  // A page of the store may be short because its annotations are large, so only an empty one means the end.
  const followed = last !== undefined && (await findRecorded(registry, request, last, 1)).length > 0;
  const listed = await findListedInFallbackTag(registry, request);
  const isBefore = ({ digest }: { readonly digest: Digest }) => !followed || digest < last;
  const more = elsewhere.filter((each) => isBefore(each) && isAskedFor(request, each));
  const merged = merge(addAll(found, more), listed.filter(isBefore));
  const page = await keepStored(registry, request.repository, merged);
  return page.next === undefined && followed ? { entries: page.entries, next: last } : page;
}

/** The tag in which clients list referrers for registries without this API (distribution-spec "Referrers Tag Schema"). */
export function fallbackTagOf(subject: Digest): Tag {
  return `${algorithmOf(subject)}-${hexOf(subject).slice(0, 64)}` as Tag;
}

async function findRecorded(
  registry: Registry,
  { repository, subject, artifactType }: ReferrersRequest,
  after: Digest | undefined,
  limit: number,
): Promise<Descriptor[]> {
  return await registry.metadata.listReferrers(repository, subject, {
    limit,
    ...(after !== undefined && { after }),
    ...(artifactType !== undefined && { artifactType }),
  });
}

/** Entries of the fallback tag's index that the request asks for, in order of digests. */
async function findListedInFallbackTag(registry: Registry, request: ReferrersRequest): Promise<Listed[]> {
  const tag = fallbackTagOf(request.subject);
  const index = await registry.metadata.findManifest(request.repository, { kind: "tag", tag });
  if (index === undefined || !isIndexType(index.mediaType)) return [];
  return (await registry.manifests.readEntries(index.digest, index.bytes))
    .filter((entry) => isAskedFor(request, entry))
    .map((entry) => ({ digest: entry.digest, describe: () => describeEntry(index.bytes, entry) }));
}

function isAskedFor(
  { after, artifactType }: ReferrersRequest,
  referrer: { readonly digest: Digest; readonly artifactType?: string | undefined },
): boolean {
  return (after === undefined || referrer.digest > after) &&
    (artifactType === undefined || referrer.artifactType === artifactType);
}

/** Both in one, in order of digests; what is here goes before what is said elsewhere. */
function addAll(found: readonly Descriptor[], more: readonly Descriptor[]): readonly Descriptor[] {
  if (more.length === 0) return found;
  const byDigest = new Map([...more, ...found].map((each) => [each.digest, each]));
  return [...byDigest.values()].sort((a, b) => a.digest < b.digest ? -1 : 1);
}

/** Both lists in one, in order of digests, each digest once; what the store says goes before what a client wrote. */
function merge(found: readonly Descriptor[], listed: readonly Listed[]): readonly (Descriptor | Listed)[] {
  if (listed.length === 0) return found;
  const merged: (Descriptor | Listed)[] = [];
  for (let [f, l] = [0, 0]; f < found.length || l < listed.length;) {
    const [recorded, entry] = [found[f], listed[l]];
    const next = entry === undefined || (recorded !== undefined && recorded.digest <= entry.digest)
      ? found[f++]!
      : listed[l++]!;
    if (merged.at(-1)?.digest !== next.digest) merged.push(next);
  }
  return merged;
}

/** Cuts a page and drops entries of the fallback tag that the repository does not hold. */
async function keepStored(
  registry: Registry,
  repository: RepositoryName,
  merged: readonly (Descriptor | Listed)[],
): Promise<Page<Descriptor>> {
  const entries: Descriptor[] = [];
  let [lookUps, characters] = [0, 0];
  let reached: Digest | undefined;
  for (const entry of merged) {
    const isFull = entries.length === LARGEST_REFERRERS_PAGE || characters >= PAGE_CHARACTERS;
    if (isFull || lookUps === MOST_LOOK_UPS) return { entries, next: reached };
    const { digest } = entry;
    reached = digest;
    let descriptor = entry as Descriptor;
    if ("describe" in entry) {
      lookUps++;
      const stored = await registry.metadata.findManifest(repository, { kind: "digest", digest });
      if (stored === undefined) continue;
      descriptor = entry.describe();
    }
    entries.push(descriptor);
    characters += JSON.stringify(descriptor.annotations ?? {}).length;
  }
  return { entries, next: undefined };
}
