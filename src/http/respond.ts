/** Making responses: what every answer has in common. */
import type { HttpResponse, StreamBody } from "./message.ts";

const encoder = new TextEncoder();

/** The `Warning` of an answer that the upstream of a mirror could not confirm (RFC 7234 section 5.5.1). */
export const STALE = '110 simple-registry "Response is Stale"';

/** A response with the given headers, which are taken over and completed. The caller sets `content-length`. */
export function respond(
  status: number,
  headers: Record<string, string>,
  body?: Uint8Array | StreamBody,
): HttpResponse {
  headers["x-content-type-options"] = "nosniff";
  return body === undefined ? { status, headers } : { status, headers, body };
}

/** A response without a body. */
export function respondEmpty(status: number, headers: Record<string, string> = {}): HttpResponse {
  // 204 and 304 never have a body, so the length of one must not be sent (RFC 9110 section 8.6).
  if (status !== 204 && status !== 304) headers["content-length"] = "0";
  return respond(status, headers);
}

/** A JSON response. `headers` may name another content type. */
export function respondJson(
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): HttpResponse {
  const body = encoder.encode(JSON.stringify(value));
  headers["content-type"] ??= "application/json";
  headers["content-length"] = String(body.length);
  return respond(status, headers, body);
}

/** The same response without its body, as an answer to HEAD. */
export function withoutBody({ status, headers }: HttpResponse): HttpResponse {
  return { status, headers };
}
