/** The request path: route, identify, authorize, handle, answer. One catch, one mapping. */
import type { Caller } from "../core/caller.ts";
import type { Identity } from "../core/identity.ts";
import { OciError } from "../core/oci_error.ts";
import type { Operation } from "../core/operation.ts";
import { quote } from "../core/quote.ts";
import { uploadOwnerOf } from "../core/upload_owner.ts";
import type { Authenticator } from "../ports/authenticator.ts";
import type { TokenIssuer } from "../ports/token_issuer.ts";
import { authorize } from "../registry/authorize.ts";
import { refusePushToMirror } from "../registry/refuse_push.ts";
import type { Registry } from "../registry/registry.ts";
import { handleDeleteBlob, handleGetBlob } from "./blobs.ts";
import { BodyRoom } from "./body_room.ts";
import type { Challenges } from "./challenge.ts";
import { respondToFault } from "./error_response.ts";
import { handleExtension } from "./extension.ts";
import { handleHealthz, handleReadyz } from "./health.ts";
import { identifyCaller, withChallenge } from "./identify.ts";
import { handleGetReferrers, handleListCatalog, handleListTags } from "./listings.ts";
import { handleDeleteManifest, handleGetManifest, handlePutManifest } from "./manifests.ts";
import { findMeantRepository } from "./meant_repository.ts";
import type { Handled, HttpRequest, HttpResponse } from "./message.ts";
import { handleMetrics } from "./metrics.ts";
import { respondJson, withoutBody } from "./respond.ts";
import { findRoute, noEndpoint, type Route } from "./route.ts";
import { parseTarget } from "./target.ts";
import { handleGetToken } from "./token.ts";
import {
  handleCancelUpload,
  handleCompleteUpload,
  handleGetUpload,
  handleMountBlob,
  handleStartUpload,
  handleUpdateUpload,
} from "./uploads.ts";

export type Handler = (request: HttpRequest) => Promise<Handled>;

export interface HandlerOptions {
  readonly registry: Registry;
  readonly authenticator: Authenticator;
  readonly challenges: Challenges;
  /** Behind `/token`; undefined when the token service is off. */
  readonly tokenIssuer: TokenIssuer | undefined;
  /** Gives the metrics of the whole process as text; undefined where nobody counts. */
  readonly scrape?: () => Promise<string>;
  /** For bodies that are read whole; without it there is room for 8 MiB of large ones. */
  readonly bodyRoom?: BodyRoom;
  /** Turns what the stores throw of their disk into the answer for it, and passes everything else on. */
  readonly explainFault?: (fault: unknown) => unknown;
}

/** Bytes of large manifests that one thread has in hand. Each is there several times on its way to the disk. */
const LARGE_BODIES = 8 * 1024 * 1024;

/** One name for all connections of a client: by address where nothing else is known of it. */
function senderOf(identity: Identity): string {
  return uploadOwnerOf(identity) || `address ${identity.clientIp}`;
}

/** Makes the function that answers every request. It never throws. */
export function createHandler(options: HandlerOptions): Handler {
  const room = options.bodyRoom ?? new BodyRoom(LARGE_BODIES);
  return async (request) => {
    let route: Route | undefined;
    let response: HttpResponse;
    let fault: unknown;
    let standsFor: string | undefined;
    try {
      requireOneHost(request);
      const target = parseTarget(request.target);
      route = findRoute(request.method, target);
      const meant = findMeantRepository(options.registry.standIns, request, route, target.query);
      route = meant.route;
      standsFor = meant.registry;
      response = route.action === "healthz" || route.action === "readyz"
        ? await handleHealth(options.registry, route.action)
        : await perform(options, room, request, route);
    } catch (caught) {
      const error = options.explainFault === undefined ? caught : options.explainFault(caught);
      response = respondToFault(withChallenge(error, options.challenges, request, route), request.id);
      if (response.status >= 500) fault = error;
    }
    if (standsFor !== undefined) {
      response = { ...response, headers: { ...response.headers, "oci-namespace": standsFor } };
    }
    if (request.method === "HEAD") response = withoutBody(response);
    const action = route?.action;
    return fault === undefined ? { response, action } : { response, action, fault };
  };
}

async function perform(
  options: HandlerOptions,
  room: BodyRoom,
  request: HttpRequest,
  asked: Operation,
): Promise<HttpResponse> {
  const { registry, authenticator, challenges } = options;
  const caller = await identifyCaller(authenticator, challenges, registry.audit, request, asked);
  // A token gives no right by itself: what it is used for is judged then.
  const operation = asked.action === "get-token"
    ? asked
    : await authorize(registry, caller, asked, request.method === "HEAD");
  refusePushToMirror(registry, operation);
  return await dispatch(options, room, caller, request, operation);
}

async function dispatch(
  { registry, tokenIssuer, scrape }: HandlerOptions,
  room: BodyRoom,
  caller: Caller,
  request: HttpRequest,
  operation: Operation,
): Promise<HttpResponse> {
  switch (operation.action) {
    case "get-manifest":
      return await handleGetManifest(registry, caller, request, operation);
    case "get-blob":
      return await handleGetBlob(registry, request, operation);
    case "get-token":
      if (tokenIssuer === undefined) throw noEndpoint("/token");
      return await handleGetToken(tokenIssuer, caller.identity);
    case "get-api-version":
      return respondJson(200, {}, { "docker-distribution-api-version": "registry/2.0" });
    case "metrics":
      return await handleMetrics(scrape);
    case "put-manifest":
      return await handlePutManifest(registry, request, operation, room.shareOf(senderOf(caller.identity)));
    case "delete-manifest":
      return await handleDeleteManifest(registry, operation);
    case "delete-blob":
      return await handleDeleteBlob(registry, operation);
    case "start-upload":
      return await handleStartUpload(registry, caller, request, operation);
    case "mount-blob":
      return await handleMountBlob(registry, caller, operation);
    case "get-upload":
      return await handleGetUpload(registry, caller, operation);
    case "update-upload":
      return await handleUpdateUpload(registry, caller, request, operation);
    case "complete-upload":
      return await handleCompleteUpload(registry, caller, request, operation);
    case "cancel-upload":
      return await handleCancelUpload(registry, caller, operation);
    case "list-tags":
      return await handleListTags(registry, operation);
    case "list-catalog":
      return await handleListCatalog(registry, caller, operation);
    case "get-referrers":
      return await handleGetReferrers(registry, operation);
    default:
      return await handleExtension(registry, caller, operation);
  }
}

async function handleHealth(registry: Registry, action: "healthz" | "readyz"): Promise<HttpResponse> {
  return action === "healthz" ? handleHealthz() : await handleReadyz(registry);
}

/** Two readers of a request with two hosts could take different ones (RFC 9112 section 3.2). */
function requireOneHost(request: HttpRequest): void {
  const hosts = request.headers.all("host");
  if (hosts.length > 1 || (hosts.length === 0 && request.httpVersion !== "1.0")) {
    throw new OciError("REQUEST_INVALID", {
      message: `Cannot serve a request with ${hosts.length} Host headers: expected one`,
    });
  }
  // The host comes back in challenges, between quotes.
  if (hosts.length === 1 && !/^[A-Za-z0-9._:\[\]%-]{0,255}$/.test(hosts[0]!)) {
    throw new OciError("REQUEST_INVALID", {
      message: `Cannot serve host ${quote(hosts[0]!)}: it is no host and port`,
    });
  }
}
