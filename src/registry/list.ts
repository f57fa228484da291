/** List: the tags of a repository and the repositories of the registry, page by page. */
import type { Caller } from "../core/caller.ts";
import { OciError } from "../core/oci_error.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import { isAllowed } from "./authorize.ts";
import { letOthersRun } from "./let_others_run.ts";
import type { Registry } from "./registry.ts";

export interface Page<T> {
  readonly entries: readonly T[];
  /** Where the next page starts, exclusive; undefined at the end. */
  readonly next: string | undefined;
}

export interface ListRequest {
  /** Entries at most. */
  readonly limit: number;
  /** A position in byte order, exclusive; need not be an entry. "" is before the first. */
  readonly after: string;
}

const EMPTY: Page<never> = { entries: [], next: undefined };

/** Repositories looked at, each by all rules, before others get their turn: some milliseconds. */
const CATALOG_STEP = 500;

/**
 * Tags in byte order (distribution-spec end-8).
 *
 * @throws {OciError} NAME_UNKNOWN for a repository in which nothing was ever stored
 */
export async function listTags(
  registry: Registry,
  repository: RepositoryName,
  request: ListRequest,
): Promise<Page<Tag>> {
  const found = request.limit === 0 ? [] : await registry.metadata.listTags(repository, {
    after: request.after as Tag,
    limit: request.limit + 1,
  });
  if (found.length === 0 && !await registry.metadata.hasRepository(repository)) {
    throw repositoryUnknown(repository);
  }
  return cutPage(found, request.limit);
}

/** Repositories that hold a manifest and whose tags the caller may list, in byte order. */
export async function listCatalog(
  registry: Registry,
  caller: Caller,
  request: ListRequest,
): Promise<Page<RepositoryName>> {
  if (request.limit === 0) return EMPTY;
  const wanted = request.limit + 1;
  const found: RepositoryName[] = [];
  let after = request.after as RepositoryName;
  while (found.length < wanted) {
    const step = await registry.metadata.listRepositories({ after, limit: CATALOG_STEP });
    if (step.length === 0) break;
    for (const repository of step) {
      if (await isAllowed(registry, caller, { action: "list-tags", repository })) found.push(repository);
      if (found.length === wanted) break;
    }
    after = step.at(-1)!;
    if (found.length < wanted) await letOthersRun();
  }
  return cutPage(found, request.limit);
}

/** What a client reads that asks for a repository in which nothing is. */
export function repositoryUnknown(repository: RepositoryName): OciError {
  return new OciError("NAME_UNKNOWN", { message: `There is no repository "${repository}"` });
}

/** The page out of what was found when one entry more than the limit was asked for. */
export function cutPage<T extends string>(found: readonly T[], limit: number): Page<T> {
  return found.length > limit
    ? { entries: found.slice(0, limit), next: found[limit - 1] }
    : { entries: found, next: undefined };
}
