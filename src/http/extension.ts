/** Handlers of the extension API: what is in the registry, and the history of tags, as JSON. */
import type { Caller } from "../core/caller.ts";
import type { Operation } from "../core/operation.ts";
import { OciError } from "../core/oci_error.ts";
import { LARGEST_PAGE } from "../core/page.ts";
import { quote } from "../core/quote.ts";
import {
  type DescribedManifest,
  type DescribedRepository,
  describeManifests,
  describePulls,
  describeRepositories,
  describeUploads,
  LARGEST_DETAILED_PAGE,
} from "../registry/describe_content.ts";
import type { Registry } from "../registry/registry.ts";
import { listTagHistory, restoreTag } from "../registry/tag_history.ts";
import type { HttpResponse } from "./message.ts";
import { respondJson } from "./respond.ts";

/** The operations of the extension API. */
export type ExtensionOperation = Extract<
  Operation,
  {
    readonly action:
      | "list-repositories"
      | "list-namespaces"
      | "list-revisions"
      | "list-uploads"
      | "list-pulls"
      | "list-tag-history"
      | "restore-tag";
  }
>;

/** Changes of a tag on one page. */
const LARGEST_HISTORY_PAGE = 1000;

export async function handleExtension(
  registry: Registry,
  caller: Caller,
  operation: ExtensionOperation,
): Promise<HttpResponse> {
  switch (operation.action) {
    case "list-repositories": {
      const page = await describeRepositories(registry, caller, pageOf(operation));
      return respondPage(
        "/v2/_ext/_repositories",
        { repositories: page.entries.map(showRepository) },
        page.next,
        operation.n,
      );
    }
    case "list-namespaces": {
      const { repository } = operation;
      const page = await describeRepositories(registry, caller, pageOf(operation), repository);
      const body = { repository, namespaces: page.entries.map(showRepository) };
      return respondPage(`/v2/_ext/${repository}/_namespaces`, body, page.next, operation.n);
    }
    case "list-revisions": {
      const { repository } = operation;
      const page = await describeManifests(registry, repository, pageOf(operation, LARGEST_DETAILED_PAGE));
      const body = { name: repository, manifests: page.entries.map(showManifest) };
      return respondPage(`/v2/_ext/${repository}/_revisions`, body, page.next, operation.n);
    }
    case "list-uploads": {
      const { repository } = operation;
      const page = await describeUploads(registry, repository, pageOf(operation, LARGEST_DETAILED_PAGE));
      const uploads = page.entries.map(({ session: { id, startedAt }, size }) => {
        // The original's first versions called it uuid.
        return { session_id: id, uuid: id, size, started_at: timeOf(startedAt) };
      });
      return respondPage(
        `/v2/_ext/${repository}/_uploads`,
        { name: repository, uploads },
        page.next,
        operation.n,
      );
    }
    case "list-pulls": {
      const { repository, reference } = operation;
      const entries = await describePulls(registry, repository, reference);
      return respondJson(200, {
        target: reference.kind === "tag" ? reference.tag : reference.digest,
        window_secs: Math.floor(registry.settings.pullHistory / 1000),
        entries: entries.map(({ client, at, tag, digest }) => ({ client, at: timeOf(at), tag, digest })),
      });
    }
    case "list-tag-history": {
      const { repository, reference: { tag }, last, n = LARGEST_HISTORY_PAGE } = operation;
      const { current, changes, next } = await listTagHistory(registry, repository, tag, {
        limit: Math.max(1, n),
        ...(last !== undefined && { before: readChangeId(last) }),
      });
      const body = {
        name: repository,
        tag,
        current: current ?? null,
        changes: changes.map(({ digest, previous, previousExists, at }) => ({
          at: timeOf(at),
          digest: digest ?? null,
          previous: previous ?? null,
          restorable: previous !== undefined && previousExists,
        })),
      };
      return respondPage(`/v2/_ext/${repository}/_tags/${tag}/history`, body, next?.toString(), operation.n);
    }
    case "restore-tag": {
      const { repository, reference: { tag }, digest } = operation;
      const previous = await restoreTag(registry, repository, tag, digest);
      return respondJson(200, { name: repository, tag, digest, previous: previous ?? null });
    }
  }
}

function pageOf({ n, last }: { readonly n?: number; readonly last?: string }, most = LARGEST_PAGE) {
  return { limit: Math.min(n ?? most, most), after: last ?? "" };
}

/** A page with the way to the next one, in the body and as the listings of the distribution-spec say it. */
function respondPage(
  path: string,
  body: object,
  next: string | undefined,
  n: number | undefined,
): HttpResponse {
  if (next === undefined) return respondJson(200, body);
  const query = new URLSearchParams({ ...(n !== undefined && { n: String(n) }), last: next });
  return respondJson(200, { ...body, next }, { link: `<${path}?${query}>; rel="next"` });
}

function showRepository(facts: DescribedRepository) {
  const { repository, blobBytes, manifestBytes, blobs, manifests, tags, quota } = facts;
  return {
    name: repository,
    tag_count: tags,
    manifest_count: manifests,
    blob_count: blobs,
    /** Bytes of blobs and manifests, as a quota counts them. */
    size: blobBytes + manifestBytes,
    quota_bytes: quota.bytes,
    quota_manifests: quota.manifests,
    quota_tags: quota.tags,
  };
}

function showManifest(manifest: DescribedManifest) {
  const { digest, mediaType, artifactType, size, subject, tags, parents, referrers } = manifest;
  return {
    digest,
    media_type: mediaType,
    artifact_type: artifactType,
    size,
    subject,
    tags,
    parents,
    referrers,
    pushed_at: timeOf(manifest.pushedAt),
    last_pulled_at: manifest.pulledAt === undefined ? undefined : timeOf(manifest.pulledAt),
    pull_count: manifest.pullCount,
  };
}

/** RFC 3339. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

function readChangeId(text: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw new OciError("PAGINATION_NUMBER_INVALID", {
    message: `Cannot go on after ${quote(text)}: take "last" from the page before`,
  });
}
