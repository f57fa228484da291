/** From a request to its caller, and from a refusal to the challenge that goes with it. */
import type { Caller } from "../core/caller.ts";
import type { Identity } from "../core/identity.ts";
import { OciError } from "../core/oci_error.ts";
import type { Operation } from "../core/operation.ts";
import type { Authenticator } from "../ports/authenticator.ts";
import type { Log } from "../ports/log.ts";
import { auditStranger } from "../registry/audit.ts";
import { challengeFor, type Challenges, MUTUAL_CHALLENGE } from "./challenge.ts";
import type { HttpRequest } from "./message.ts";
import type { Route } from "./route.ts";

/**
 * Finds out who asks. With a token service a client that shows nothing on `GET /v2/` is sent for a token, because docker
 * and skopeo would take an answer there for "no credentials needed" and never send those they have.
 *
 * @throws {OciError} as the authenticator does
 */
export async function identifyCaller(
  authenticator: Authenticator,
  challenges: Challenges,
  audit: Log,
  request: HttpRequest,
  operation: Operation,
): Promise<Caller> {
  const showsToken = /^bearer\b/i.test(request.headers.get("authorization") ?? "");
  let identity: Identity;
  try {
    identity = await identify(authenticator, request, showsToken && operation.action === "get-token");
  } catch (fault) {
    if (fault instanceof OciError) {
      auditStranger(audit, request.id, request.peerAddress, operation, fault.message);
    }
    throw fault;
  }
  // A certificate alone is not enough to skip it: with a password stored, that is to be asked for as well.
  const showsNothing = !showsToken && identity.username === "";
  if (challenges.tokens !== undefined && operation.action === "get-api-version" && showsNothing) {
    throw new OciError("UNAUTHORIZED", {
      message: "Authentication required: get a token first, an anonymous one will do",
    });
  }
  return {
    identity,
    request: {
      id: request.id,
      method: request.method,
      target: request.target,
      scheme: request.secure ? "https" : "http",
      host: request.headers.get("host") ?? "",
      headerValues: (name) => request.headers.all(name),
    },
  };
}

async function identify(
  authenticator: Authenticator,
  { headers, peerAddress, certificateChain, secure }: HttpRequest,
  swapsToken: boolean,
): Promise<Identity> {
  if (swapsToken) {
    throw new OciError("UNAUTHORIZED", {
      message: "Cannot swap a token for a token: send a password, or nothing",
    });
  }
  const [authorization, ...others] = headers.all("authorization");
  // Two readers could take different ones.
  if (others.length > 0) {
    throw new OciError("REQUEST_INVALID", {
      message: `Cannot serve a request with ${others.length + 1} Authorization headers: expected one`,
    });
  }
  const forwardedFor = headers.all("x-forwarded-for");
  return await authenticator.identify({ peerAddress, forwardedFor, authorization, secure, certificateChain });
}

/**
 * Puts the challenge to an error of status 401, turns a refusal on `GET /v2/` into one, and gives the refusal of a
 * certificate on HEAD of a blob the status that a refusal by policy has there.
 */
export function withChallenge(
  error: unknown,
  challenges: Challenges,
  request: HttpRequest,
  route: Route | undefined,
): unknown {
  if (!(error instanceof OciError)) return error;
  if (error.code === "UNAUTHORIZED") {
    return withHeader(error, error.status, challengeFor(challenges, request, route));
  }
  if (error.code === "DENIED" && route?.action === "get-api-version") {
    return withHeader(error, 401, MUTUAL_CHALLENGE);
  }
  if (error.code === "DENIED" && route?.action === "get-blob" && request.method === "HEAD") {
    const { message, cause, headers } = error;
    return new OciError("BLOB_UNKNOWN", { message, cause, headers });
  }
  return error;
}

function withHeader(error: OciError, status: number, challenge: string): OciError {
  const { code, message, detail, headers, cause } = error;
  return new OciError(code, {
    message,
    detail,
    status,
    headers: { ...headers, "www-authenticate": challenge },
    cause,
  });
}
