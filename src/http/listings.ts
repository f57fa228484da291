/** Handlers of the listings: tags, catalog, referrers. */
import { type Digest, parseDigest } from "../core/digest.ts";
import type { Caller } from "../core/caller.ts";
import { OCI_INDEX } from "../core/media_type.ts";
import { LARGEST_PAGE } from "../core/page.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import { listCatalog, type ListRequest } from "../registry/list.ts";
import { listReferrersThrough, listTagsThrough } from "../registry/list_through.ts";
import type { Registry } from "../registry/registry.ts";
import type { HttpResponse } from "./message.ts";
import { respondJson, STALE } from "./respond.ts";

interface ListingOperation {
  readonly n?: number;
  readonly last?: string;
}

interface ReferrersOperation {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly artifactType?: string;
  readonly last?: string;
}

/** GET `/v2/<name>/tags/list` (end-8). */
export async function handleListTags(
  registry: Registry,
  { repository, ...asked }: ListingOperation & { readonly repository: RepositoryName },
): Promise<HttpResponse> {
  const request = listRequestOf(asked);
  const { entries, next, stale } = await listTagsThrough(registry, repository, request);
  const headers = listingHeaders(stale);
  if (next !== undefined) {
    headers["link"] = formatNext(`/v2/${repository}/tags/list`, { n: request.limit, last: next });
  }
  return respondJson(200, { name: repository, tags: entries }, headers);
}

/** GET `/v2/_catalog`, which is Docker's and not in the OCI spec. */
export async function handleListCatalog(
  registry: Registry,
  caller: Caller,
  asked: ListingOperation,
): Promise<HttpResponse> {
  const request = listRequestOf(asked);
  const { entries, next } = await listCatalog(registry, caller, request);
  const headers = listingHeaders();
  if (next !== undefined) headers["link"] = formatNext("/v2/_catalog", { n: request.limit, last: next });
  return respondJson(200, { repositories: entries }, headers);
}

/** GET `/v2/<name>/referrers/<digest>` (end-12). */
export async function handleGetReferrers(
  registry: Registry,
  { repository, digest: subject, ...asked }: ReferrersOperation,
): Promise<HttpResponse> {
  // An empty filter is none.
  const artifactType = asked.artifactType || undefined;
  const last = asked.last || undefined;
  const { entries, next, stale } = await listReferrersThrough(registry, {
    repository,
    subject,
    artifactType,
    after: last === undefined ? undefined : parseDigest(last),
  });
  const headers = listingHeaders(stale);
  headers["content-type"] = OCI_INDEX;
  if (artifactType !== undefined) headers["oci-filters-applied"] = "artifactType";
  if (next !== undefined) {
    headers["link"] = formatNext(`/v2/${repository}/referrers/${subject}`, {
      ...(artifactType !== undefined && { artifactType }),
      last: next,
    });
  }
  return respondJson(200, { schemaVersion: 2, mediaType: OCI_INDEX, manifests: entries }, headers);
}

function listRequestOf({ n, last }: ListingOperation): ListRequest {
  return { limit: n ?? LARGEST_PAGE, after: last ?? "" };
}

function listingHeaders(stale = false): Record<string, string> {
  return { "cache-control": "no-cache", ...(stale && { "warning": STALE }) };
}

/** A relative `Link` to the next page (RFC 8288). What clients sent in goes out percent-encoded. */
function formatNext(path: string, parameters: Record<string, string | number>): string {
  const query = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `<${path}?${query.join("&")}>; rel="next"`;
}
