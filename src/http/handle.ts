/** The request path: route, identify, authorize, handle, answer. One catch, one mapping. */
import type { Identity } from "../core/identity.ts";
import { OciError } from "../core/oci_error.ts";
import type { Operation } from "../core/operation.ts";
import type { Authenticator } from "../ports/authenticator.ts";
import { authorize } from "../registry/authorize.ts";
import type { Registry } from "../registry/registry.ts";
import { handleDeleteBlob, handleGetBlob } from "./blobs.ts";
import { respondToFault } from "./error_response.ts";
import { handleHealthz, handleReadyz } from "./health.ts";
import { handleGetReferrers, handleListCatalog, handleListTags } from "./listings.ts";
import { handleDeleteManifest, handleGetManifest, handlePutManifest } from "./manifests.ts";
import type { Handled, HttpRequest, HttpResponse } from "./message.ts";
import { respondJson, withoutBody } from "./respond.ts";
import { findRoute } from "./route.ts";
import { parseTarget } from "./target.ts";
import {
  handleCancelUpload,
  handleCompleteUpload,
  handleGetUpload,
  handleMountBlob,
  handleStartUpload,
  handleUpdateUpload,
} from "./uploads.ts";

export type Handler = (request: HttpRequest) => Promise<Handled>;

/** Makes the function that answers every request. It never throws. */
export function createHandler(
  { registry, authenticator }: { registry: Registry; authenticator: Authenticator },
): Handler {
  return async (request) => {
    let action: string | undefined;
    let response: HttpResponse;
    let fault: unknown;
    try {
      requireOneHost(request);
      const target = parseTarget(request.target);
      const route = findRoute(request.method, target);
      action = route.action;
      response = route.action === "healthz" || route.action === "readyz"
        ? await handleHealth(registry, route.action)
        : await perform(registry, authenticator, request, target.query, route);
    } catch (error) {
      response = respondToFault(error, request.id);
      if (response.status >= 500) fault = error;
    }
    if (request.method === "HEAD") response = withoutBody(response);
    return fault === undefined ? { response, action } : { response, action, fault };
  };
}

async function perform(
  registry: Registry,
  authenticator: Authenticator,
  request: HttpRequest,
  query: string,
  asked: Operation,
): Promise<HttpResponse> {
  const identity = await authenticator.identify({
    peerAddress: request.peerAddress,
    authorization: request.headers.get("authorization"),
  });
  const operation = await authorize(registry, identity, asked, request.method === "HEAD");
  return await dispatch(registry, identity, request, query, operation);
}

async function dispatch(
  registry: Registry,
  identity: Identity,
  request: HttpRequest,
  query: string,
  operation: Operation,
): Promise<HttpResponse> {
  switch (operation.action) {
    case "get-manifest":
      return await handleGetManifest(registry, request, operation);
    case "get-blob":
      return await handleGetBlob(registry, request, operation);
    case "get-api-version":
      return respondJson(200, {}, { "docker-distribution-api-version": "registry/2.0" });
    case "put-manifest":
      return await handlePutManifest(registry, request, operation);
    case "delete-manifest":
      return await handleDeleteManifest(registry, operation);
    case "delete-blob":
      return await handleDeleteBlob(registry, operation);
    case "start-upload":
      return await handleStartUpload(registry, request, query, operation);
    case "mount-blob":
      return await handleMountBlob(registry, identity, operation);
    case "get-upload":
      return await handleGetUpload(registry, operation);
    case "update-upload":
      return await handleUpdateUpload(registry, request, operation);
    case "complete-upload":
      return await handleCompleteUpload(registry, request, operation);
    case "cancel-upload":
      return await handleCancelUpload(registry, operation);
    case "list-tags":
      return await handleListTags(registry, query, operation.repository);
    case "list-catalog":
      return await handleListCatalog(registry, query, identity);
    case "get-referrers":
      return await handleGetReferrers(registry, query, operation);
  }
}

async function handleHealth(registry: Registry, action: "healthz" | "readyz"): Promise<HttpResponse> {
  return action === "healthz" ? handleHealthz() : await handleReadyz(registry);
}

/** Two readers of a request with two hosts could take different ones (RFC 9112 section 3.2). */
function requireOneHost(request: HttpRequest): void {
  const hosts = request.headers.all("host").length;
  if (hosts === 1 || (hosts === 0 && request.httpVersion === "1.0")) return;
  throw new OciError("REQUEST_INVALID", {
    message: `Cannot serve a request with ${hosts} Host headers: expected one`,
  });
}
