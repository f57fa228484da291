/** What a refused client is told to try: the `WWW-Authenticate` header (RFC 9110 section 11.6.1). */
import type { HttpRequest } from "./message.ts";
import type { Route } from "./route.ts";

/** The ways of proving oneself that are switched on. */
export interface Challenges {
  /** True where a client without a certificate is refused over TLS, whatever else it shows. */
  readonly certificateRequired: boolean;
  readonly passwords: boolean;
  readonly tokens:
    | {
      /** Absolute URL of the token endpoint; undefined derives it from the request. */
      readonly realm: string | undefined;
    }
    | undefined;
}

/** Always one challenge: docker reads no more than one from a header line. */
const REALM = "simple-registry";

/** For somebody who could not prove anything, or not with this: the challenge that could help. */
export function challengeFor(
  challenges: Challenges,
  request: HttpRequest,
  route: Route | undefined,
): string {
  if (challenges.certificateRequired && request.secure && request.certificateChain === undefined) {
    return MUTUAL_CHALLENGE;
  }
  // A token is no way to a token.
  const bearer = route?.action === "get-token" ? undefined : bearerChallenge(challenges, request, route);
  return bearer ?? (challenges.passwords ? BASIC_CHALLENGE : MUTUAL_CHALLENGE);
}

function bearerChallenge(
  { tokens }: Challenges,
  request: HttpRequest,
  route: Route | undefined,
): string | undefined {
  const host = request.headers.get("host") ?? "";
  const realm = tokens?.realm ??
    (host === "" ? undefined : `${request.secure ? "https" : "http"}://${host}/token`);
  // A client that names no host (HTTP/1.0) cannot be sent to it.
  if (tokens === undefined || realm === undefined) return undefined;
  const scope = route !== undefined && "repository" in route
    ? `,scope="repository:${route.repository}:pull,push"`
    : "";
  return `Bearer realm="${realm}",service="${host}"${scope}`;
}

const BASIC_CHALLENGE = `Basic realm="${REALM}", charset="UTF-8"`;

/**
 * For somebody who is known and not permitted, where a 403 would hide the reason from podman and skopeo, and a Basic
 * challenge from docker and oras; also where only a certificate is a way in.
 */
export const MUTUAL_CHALLENGE = `Mutual realm="${REALM}"`;
