/** Handlers of `/manifests/<tag or digest>`: pull, push, delete. */
import type { Caller } from "../core/caller.ts";
import { clientNameOf } from "../core/client_name.ts";
import { type MediaType, parseContentType } from "../core/media_type.ts";
import { OciError } from "../core/oci_error.ts";
import type { Reference } from "../core/reference.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import { deleteManifest } from "../registry/delete.ts";
import { pullManifestThrough } from "../registry/pull_through.ts";
import { manifestTooLarge, pushManifest } from "../registry/push.ts";
import type { Registry } from "../registry/registry.ts";
import { IMMUTABLE } from "./blobs.ts";
import type { Share } from "./body_room.ts";
import { entityTagOf, isUnchanged } from "./conditions.ts";
import type { HeaderFields, HttpRequest, HttpResponse } from "./message.ts";
import { readWhole } from "./read_body.ts";
import { respond, respondEmpty, STALE } from "./respond.ts";

interface ManifestOperation {
  readonly repository: RepositoryName;
  readonly reference: Reference;
}

/**
 * GET and HEAD (end-3). The stored type is sent whatever `Accept` says: a converted manifest would have another digest.
 */
export async function handleGetManifest(
  registry: Registry,
  caller: Caller,
  request: HttpRequest,
  { repository, reference }: ManifestOperation,
): Promise<HttpResponse> {
  const { manifest, stale } = await pullManifestThrough(registry, repository, reference);
  const { digest, mediaType, bytes } = manifest;
  const tag = reference.kind === "tag" ? reference.tag : undefined;
  registry.pulls?.note(repository, digest, tag, clientNameOf(caller.identity), registry.clock.now());
  const headers: Record<string, string> = {
    "docker-content-digest": digest,
    "etag": entityTagOf(digest),
    "cache-control": reference.kind === "digest" ? IMMUTABLE : "no-cache",
  };
  if (stale) headers["warning"] = STALE;
  if (isUnchanged(request.headers, digest)) return respondEmpty(304, headers);
  headers["content-type"] = mediaType;
  headers["content-length"] = String(bytes.length);
  return respond(200, headers, bytes);
}

/** PUT (end-7). */
export async function handlePutManifest(
  registry: Registry,
  request: HttpRequest,
  operation: ManifestOperation & { readonly tags: readonly Tag[] },
  room: Share,
): Promise<HttpResponse> {
  const { repository, reference, tags } = operation;
  const contentType = readContentType(request.headers);
  const limit = registry.settings.maxManifestSize;
  using body = await readWhole(request.body, limit, room, () => manifestTooLarge(registry));
  const { digest, subject } = await pushManifest(registry, {
    repository,
    reference,
    tags,
    contentType,
    bytes: body.bytes,
  });
  const headers: Record<string, string> = {
    "location": `/v2/${repository}/manifests/${digest}`,
    "docker-content-digest": digest,
  };
  if (subject !== undefined) headers["oci-subject"] = subject;
  if (reference.kind === "digest" && tags.length > 0) headers["oci-tag"] = tags.join(", ");
  return respondEmpty(201, headers);
}

/** DELETE (end-9). */
export async function handleDeleteManifest(
  registry: Registry,
  { repository, reference }: ManifestOperation,
): Promise<HttpResponse> {
  await deleteManifest(registry, repository, reference);
  return respondEmpty(202);
}

function readContentType(headers: HeaderFields): MediaType {
  const values = headers.all("content-type");
  if (values.length === 1) return parseContentType(values[0]!);
  throw new OciError("UNSUPPORTED", {
    status: 400,
    message: values.length === 0
      ? "Cannot push manifest: the header Content-Type is missing, set it to the manifest's media type"
      : `Cannot push manifest: the header Content-Type is there ${values.length} times, expected once`,
  });
}
