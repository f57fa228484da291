/** Lists of a repository that may be a mirror: what is here and what its upstream tells, in one. */
import type { Descriptor } from "../core/descriptor.ts";
import { OciError } from "../core/oci_error.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import { cutPage, type ListRequest, listTags, type Page, repositoryUnknown } from "./list.ts";
import { findMirror } from "./pull_through.ts";
import { listReferrers, type ReferrersRequest } from "./referrers.ts";
import type { Registry } from "./registry.ts";

export interface PageThrough<T> extends Page<T> {
  /** True when the upstream could not be asked, so that entries may be missing. */
  readonly stale: boolean;
}

/** As {@linkcode listTags}. @throws {OciError} also what {@linkcode Mirrors} throws */
export async function listTagsThrough(
  registry: Registry,
  repository: RepositoryName,
  request: ListRequest,
): Promise<PageThrough<Tag>> {
  const mirror = findMirror(registry, repository);
  if (mirror === undefined) return { ...await listTags(registry, repository, request), stale: false };
  const page = { after: request.after as Tag, limit: request.limit + 1 };
  const there = await mirror.mirrors.listTags(repository, page);
  const here = await registry.metadata.listTags(repository, page);
  const isKnown = here.length > 0 || (there?.entries.length ?? 0) > 0 ||
    await registry.metadata.hasRepository(repository);
  if (!isKnown && there?.stale === true) throw new OciError("UPSTREAM_UNAVAILABLE");
  if (!isKnown && (there === undefined || mirror.rules.offline)) throw repositoryUnknown(repository);
  // Tags are ASCII, so that this is the order of their bytes.
  const tags = [...new Set([...here, ...there?.entries ?? []])].sort().slice(0, page.limit);
  return { ...cutPage(tags, request.limit), stale: there?.stale ?? false };
}

/** As {@linkcode listReferrers}. @throws {OciError} what {@linkcode Mirrors} throws */
export async function listReferrersThrough(
  registry: Registry,
  request: ReferrersRequest,
): Promise<PageThrough<Descriptor>> {
  const mirror = findMirror(registry, request.repository);
  if (mirror === undefined) return { ...await listReferrers(registry, request), stale: false };
  const { entries, stale } = await mirror.mirrors.listReferrers(request.repository, request.subject);
  return { ...await listReferrers(registry, request, entries), stale };
}
