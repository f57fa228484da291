/** The `Authorization` header: what a client offers to prove itself with (RFC 7617, RFC 6750). */
import { OciError } from "../core/oci_error.ts";

export type Offered =
  | { readonly kind: "none" }
  | { readonly kind: "basic"; readonly username: string; readonly password: string }
  | { readonly kind: "bearer"; readonly token: string };

/** Characters of a user name and password together; `hash-password` takes 1,000 bytes of password. */
const LONGEST = 2048;

/**
 * Reads the header's value; the scheme's case does not matter. An empty user name with an empty password is what clients
 * send that have nothing stored, and counts as none.
 *
 * @throws {OciError} UNAUTHORIZED for an unknown scheme or credentials that cannot be read
 */
export function readAuthorization(header: string | undefined): Offered {
  if (header === undefined || header === "") return { kind: "none" };
  const space = header.indexOf(" ");
  const scheme = (space < 0 ? header : header.slice(0, space)).toLowerCase();
  const value = space < 0 ? "" : header.slice(space + 1).trim();
  if (scheme === "bearer" && value !== "") return { kind: "bearer", token: value };
  if (scheme === "basic") return readBasic(value);
  throw unreadable('expected "Basic" or "Bearer" credentials');
}

function readBasic(value: string): Offered {
  const text = decode(value);
  const colon = text?.indexOf(":") ?? -1;
  if (text === undefined || colon < 0) throw unreadable("Basic credentials are base64 of username:password");
  if (text === ":") return { kind: "none" };
  if (text.length > LONGEST) throw unreadable(`Basic credentials are longer than ${LONGEST} characters`);
  if (/\p{Cc}/u.test(text)) throw unreadable("Basic credentials hold a control character");
  return { kind: "basic", username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function decode(base64: string): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.fromBase64(base64));
  } catch {
    return undefined;
  }
}

function unreadable(reason: string): OciError {
  return new OciError("UNAUTHORIZED", { message: `Cannot read the Authorization header: ${reason}` });
}
