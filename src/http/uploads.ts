/** Handlers of `/blobs/uploads/`: start, mount, continue, complete, cancel. */
import { algorithmOf, type Digest, type DigestAlgorithm } from "../core/digest.ts";
import type { Caller } from "../core/caller.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import { uploadOwnerOf } from "../core/upload_owner.ts";
import type { UploadSessionId } from "../core/upload_session_id.ts";
import { mountBlob, type MountRequest } from "../registry/mount.ts";
import type { Registry } from "../registry/registry.ts";
import type { UploadName } from "../registry/upload_hold.ts";
import {
  appendUpload,
  cancelUpload,
  completeUpload,
  readUploadOffset,
  startUpload,
  uploadWhole,
} from "../registry/upload.ts";
import { formatReceived, type UploadPiece } from "../registry/upload_piece.ts";
import { parseContentRange } from "./content_range.ts";
import type { HttpRequest, HttpResponse } from "./message.ts";
import { respondEmpty } from "./respond.ts";

interface StartOperation {
  readonly repository: RepositoryName;
  readonly digest?: Digest;
  readonly digestAlgorithm?: DigestAlgorithm;
}

interface SessionOperation {
  readonly repository: RepositoryName;
  readonly sessionId: UploadSessionId;
}

/** POST (end-4a to end-4c): opens a session, or takes the whole blob where digest and body are there. */
export async function handleStartUpload(
  registry: Registry,
  caller: Caller,
  request: HttpRequest,
  { repository, digest, digestAlgorithm }: StartOperation,
): Promise<HttpResponse> {
  const owner = uploadOwnerOf(caller.identity);
  if (digest !== undefined && carriesBlob(registry, request, digest)) {
    await uploadWhole(registry, repository, owner, digest, readPiece(request));
    return respondBlobCreated(repository, digest);
  }
  const algorithm = digestAlgorithm ?? (digest && algorithmOf(digest));
  const session = await startUpload(registry, repository, owner, algorithm);
  return respondSession(202, repository, session.id, 0);
}

/** POST with `mount` (end-11). */
export async function handleMountBlob(
  registry: Registry,
  caller: Caller,
  operation: MountRequest,
): Promise<HttpResponse> {
  const session = await mountBlob(registry, caller, operation);
  return session === undefined
    ? respondBlobCreated(operation.repository, operation.digest)
    : respondSession(202, operation.repository, session.id, 0);
}

/** GET (end-13). */
export async function handleGetUpload(
  registry: Registry,
  caller: Caller,
  operation: SessionOperation,
): Promise<HttpResponse> {
  const offset = await readUploadOffset(registry, nameOf(caller, operation));
  return respondSession(204, operation.repository, operation.sessionId, offset);
}

/** PATCH (end-5). */
export async function handleUpdateUpload(
  registry: Registry,
  caller: Caller,
  request: HttpRequest,
  operation: SessionOperation,
): Promise<HttpResponse> {
  const offset = await appendUpload(registry, nameOf(caller, operation), readPiece(request));
  return respondSession(202, operation.repository, operation.sessionId, offset);
}

/** PUT (end-6). */
export async function handleCompleteUpload(
  registry: Registry,
  caller: Caller,
  request: HttpRequest,
  operation: SessionOperation & { readonly digest: Digest },
): Promise<HttpResponse> {
  await completeUpload(registry, nameOf(caller, operation), operation.digest, readPiece(request));
  return respondBlobCreated(operation.repository, operation.digest);
}

/** DELETE (end-14). */
export async function handleCancelUpload(
  registry: Registry,
  caller: Caller,
  operation: SessionOperation,
): Promise<HttpResponse> {
  await cancelUpload(registry, nameOf(caller, operation));
  return respondEmpty(204);
}

function nameOf({ identity }: Caller, { repository, sessionId }: SessionOperation): UploadName {
  return { repository, id: sessionId, owner: uploadOwnerOf(identity) };
}

/** True when the body is the blob: there is one, or the digest is that of no bytes at all. */
function carriesBlob(registry: Registry, request: HttpRequest, digest: Digest): boolean {
  return request.body.length !== 0 ||
    digest === registry.hasher.digestOf(new Uint8Array(), algorithmOf(digest));
}

function readPiece(request: HttpRequest): UploadPiece {
  const ranges = request.headers.all("content-range");
  return {
    length: request.body.length,
    // Two are one header with a comma (RFC 9110 section 5.3), which is no range.
    window: ranges.length === 0 ? undefined : parseContentRange(ranges.join(", ")),
    chunks: () => request.body.chunks(),
  };
}

function respondSession(
  status: number,
  repository: RepositoryName,
  id: UploadSessionId,
  offset: number,
): HttpResponse {
  return respondEmpty(status, {
    "location": `/v2/${repository}/blobs/uploads/${id}`,
    "range": formatReceived(offset),
    "docker-upload-uuid": id,
  });
}

function respondBlobCreated(repository: RepositoryName, digest: Digest): HttpResponse {
  return respondEmpty(201, {
    "location": `/v2/${repository}/blobs/${digest}`,
    "docker-content-digest": digest,
  });
}
