/** What a refused client is told to try: the `WWW-Authenticate` header (RFC 9110 section 11.6.1). */
import type { HttpRequest } from "./message.ts";

/** The ways of proving oneself that are switched on. */
export interface Challenges {
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
  repository: string | undefined,
): string {
  if (challenges.tokens !== undefined) {
    const host = request.headers.get("host") ?? "";
    const realm = challenges.tokens.realm ?? `${request.secure ? "https" : "http"}://${host}/token`;
    const scope = repository === undefined ? "" : `,scope="repository:${repository}:pull,push"`;
    return `Bearer realm="${realm}",service="${host}"${scope}`;
  }
  return challenges.passwords ? BASIC_CHALLENGE : MUTUAL_CHALLENGE;
}

/** For the token endpoint, where a token is no way in. */
export const BASIC_CHALLENGE = `Basic realm="${REALM}", charset="UTF-8"`;

/**
 * For somebody who is known and not permitted, where a 403 would hide the reason from podman and skopeo, and a Basic
 * challenge from docker and oras; also where only a certificate is a way in.
 */
export const MUTUAL_CHALLENGE = `Mutual realm="${REALM}"`;
