/** From a request to its caller, and from a refusal to the challenge that goes with it. */
import type { Caller } from "../core/caller.ts";
import { isIdentified } from "../core/identity.ts";
import { OciError } from "../core/oci_error.ts";
import type { Authenticator } from "../ports/authenticator.ts";
import { BASIC_CHALLENGE, challengeFor, type Challenges, MUTUAL_CHALLENGE } from "./challenge.ts";
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
  request: HttpRequest,
  route: Route,
): Promise<Caller> {
  const authorization = request.headers.get("authorization");
  if (route.action === "get-token" && /^bearer\b/i.test(authorization ?? "")) {
    throw new OciError("UNAUTHORIZED", {
      message: "Cannot swap a token for a token: send a password, or nothing",
    });
  }
  const identity = await authenticator.identify({
    peerAddress: request.peerAddress,
    forwardedFor: request.headers.all("x-forwarded-for"),
    authorization,
    certificateChain: request.certificateChain,
  });
  const showsNothing = authorization === undefined && !isIdentified(identity);
  if (challenges.tokens !== undefined && route.action === "get-api-version" && showsNothing) {
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

/** Puts the challenge to an error of status 401, and turns a refusal on `GET /v2/` into one. */
export function withChallenge(
  error: unknown,
  challenges: Challenges,
  request: HttpRequest,
  route: Route | undefined,
): unknown {
  if (!(error instanceof OciError)) return error;
  if (error.code === "UNAUTHORIZED") {
    const repository = route !== undefined && "repository" in route ? route.repository : undefined;
    const challenge = route?.action === "get-token"
      ? BASIC_CHALLENGE
      : challengeFor(challenges, request, repository);
    return withHeader(error, error.status, challenge);
  }
  if (error.code === "DENIED" && route?.action === "get-api-version") {
    return withHeader(error, 401, MUTUAL_CHALLENGE);
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
