/** Handlers of `/blobs/<digest>`: pull, check, delete. */
import { selectRanges } from "../core/byte_range.ts";
import type { Digest } from "../core/digest.ts";
import { OciError } from "../core/oci_error.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { BlobReader } from "../ports/blob_store.ts";
import { deleteBlob } from "../registry/delete.ts";
import { announceBlobThrough, pullBlobThrough } from "../registry/pull_through.ts";
import type { Registry } from "../registry/registry.ts";
import { bodyOfRange, bodyOfRanges, formatContentRange } from "./blob_body.ts";
import { applicableRange, entityTagOf, isUnchanged } from "./conditions.ts";
import type { HeaderFields, HttpRequest, HttpResponse } from "./message.ts";
import { respond, respondEmpty } from "./respond.ts";

/** What a digest names never changes; caches that others share must not keep what access policies guard. */
export const IMMUTABLE = "private, max-age=31536000, immutable";

interface BlobOperation {
  readonly repository: RepositoryName;
  readonly digest: Digest;
}

/** GET and HEAD (end-2). */
export async function handleGetBlob(
  registry: Registry,
  request: HttpRequest,
  { repository, digest }: BlobOperation,
): Promise<HttpResponse> {
  const headers: Record<string, string> = {
    "content-type": "application/octet-stream",
    "docker-content-digest": digest,
    "etag": entityTagOf(digest),
    "cache-control": IMMUTABLE,
    "accept-ranges": "bytes",
  };
  if (request.method === "HEAD") {
    const size = await announceBlobThrough(registry, repository, digest);
    if (isUnchanged(request.headers, digest)) return notModified(headers);
    headers["content-length"] = String(size);
    return respond(200, headers);
  }
  const reader = await pullBlobThrough(registry, repository, digest);
  try {
    return isUnchanged(request.headers, digest)
      ? close(reader, notModified(headers))
      : respondWithBlob(reader, request.headers, digest, headers);
  } catch (fault) {
    reader.close();
    throw fault;
  }
}

/** DELETE (end-10). */
export async function handleDeleteBlob(
  registry: Registry,
  { repository, digest }: BlobOperation,
): Promise<HttpResponse> {
  await deleteBlob(registry, repository, digest);
  return respondEmpty(202, { "docker-content-digest": digest });
}

function respondWithBlob(
  reader: BlobReader,
  requestHeaders: HeaderFields,
  digest: Digest,
  headers: Record<string, string>,
): HttpResponse {
  const { size } = reader;
  const header = applicableRange(requestHeaders, digest);
  const selection = header === undefined ? undefined : selectRanges(header, size);
  if (selection === undefined || selection.kind === "whole") {
    headers["content-length"] = String(size);
    return respond(200, headers, bodyOfRange(reader, { start: 0, end: size }));
  }
  if (selection.kind === "unsatisfiable") {
    throw new OciError("SIZE_INVALID", {
      status: 416,
      message: `Cannot send that range of blob ${digest}: it has ${size} bytes`,
      headers: { "content-range": `bytes */${size}` },
    });
  }
  const { ranges } = selection;
  if (ranges.length > 1) {
    // Random, so that nobody can push a blob that holds it.
    const boundary = crypto.randomUUID();
    const body = bodyOfRanges(reader, ranges, boundary);
    headers["content-type"] = `multipart/byteranges; boundary=${boundary}`;
    headers["content-length"] = String(body.length);
    return respond(206, headers, body);
  }
  const range = ranges[0]!;
  headers["content-range"] = formatContentRange(range, size);
  headers["content-length"] = String(range.end - range.start);
  return respond(206, headers, bodyOfRange(reader, range));
}

function notModified(headers: Record<string, string>): HttpResponse {
  delete headers["content-type"];
  return respondEmpty(304, headers);
}

function close(reader: BlobReader, response: HttpResponse): HttpResponse {
  reader.close();
  return response;
}
