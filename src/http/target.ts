/** Request targets: from the raw text of the request line to a path and query parameters, without ever normalising. */
import { OciError } from "../core/oci_error.ts";
import { parsePageSize } from "../core/page.ts";
import { quote } from "../core/quote.ts";

export interface Target {
  /** Still percent-encoded. */
  readonly path: string;
  /** What stands behind the "?", still percent-encoded; "" for nothing. */
  readonly query: string;
}

/**
 * Splits a target. The authority of an absolute-form target is ignored, as the request's `Host` is.
 *
 * @throws {OciError} REQUEST_INVALID for characters that RFC 3986 has no place for
 */
export function parseTarget(raw: string): Target {
  if (/[^\x21-\x7e]/.test(raw)) {
    throw new OciError("REQUEST_INVALID", {
      message: `Cannot read request target ${quote(raw)}: it holds control or non-ASCII characters`,
    });
  }
  const target = raw.startsWith("/") ? raw : withoutAuthority(raw);
  const mark = target.indexOf("?");
  return mark < 0
    ? { path: target, query: "" }
    : { path: target.slice(0, mark), query: target.slice(mark + 1) };
}

/** The origin form of an absolute-form target (RFC 9112 section 3.2.2); other texts as they are. */
function withoutAuthority(raw: string): string {
  const scheme = /^https?:\/\//i.exec(raw);
  if (scheme === null) return raw;
  const rest = raw.slice(scheme[0].length);
  const start = rest.search(/[/?]/);
  if (start < 0) return "/";
  return rest[start] === "/" ? rest.slice(start) : "/" + rest.slice(start);
}

/**
 * Decodes one segment of a path, once. undefined for an escape that is broken or that hides a character which must
 * not be hidden: a slash, a backslash, "%", a control or non-ASCII character.
 */
export function decodeSegment(raw: string): string | undefined {
  if (!raw.includes("%")) return raw;
  let decoded = "";
  for (let i = 0; i < raw.length; i++) {
    if (raw[i] !== "%") {
      decoded += raw[i];
      continue;
    }
    const hex = raw.slice(i + 1, i + 3);
    if (!/^[0-9a-fA-F]{2}$/.test(hex)) return undefined;
    const code = parseInt(hex, 16);
    const c = String.fromCharCode(code);
    if (code <= 0x20 || code >= 0x7f || c === "/" || c === "\\" || c === "%") return undefined;
    decoded += c;
    i += 2;
  }
  return decoded;
}

/**
 * The value of a query parameter; undefined where it is absent.
 *
 * @throws {OciError} REQUEST_INVALID when it is there twice, since two readers could take different ones, or cannot be decoded
 */
export function queryValue(query: string, name: string): string | undefined {
  if (query === "") return undefined;
  const values = queryValues(query, name);
  if (values.length > 1) {
    throw new OciError("REQUEST_INVALID", {
      message: `Cannot read query parameter "${name}": it is there ${values.length} times, expected once`,
    });
  }
  return values[0];
}

/**
 * Every value of a query parameter, in order.
 *
 * @throws {OciError} REQUEST_INVALID
 */
export function queryValues(query: string, name: string): string[] {
  const values: string[] = [];
  for (const pair of query.split("&")) {
    const equals = pair.indexOf("=");
    const key = equals < 0 ? pair : pair.slice(0, equals);
    if (key === name) values.push(decodeValue(equals < 0 ? "" : pair.slice(equals + 1), name));
  }
  return values;
}

/**
 * The page of a listing, as far as the client says which.
 *
 * @throws {OciError} REQUEST_INVALID, PAGINATION_NUMBER_INVALID
 */
export function readListing(query: string): { n?: number; last?: string } {
  if (query === "") return {};
  const [n, last] = [queryValue(query, "n"), queryValue(query, "last")];
  return { ...(n !== undefined && { n: parsePageSize(n) }), ...(last !== undefined && { last }) };
}

/** A "+" stands for itself: no parameter of this API holds a space, and media types do hold "+". */
function decodeValue(raw: string, name: string): string {
  if (!raw.includes("%")) return raw;
  let value: string | undefined;
  try {
    value = decodeURIComponent(raw);
  } catch {
    // Not UTF-8 or a broken escape; refused below.
  }
  // deno-lint-ignore no-control-regex -- these are the characters to refuse
  if (value === undefined || /[\x00-\x1f\x7f]/.test(value)) {
    throw new OciError("REQUEST_INVALID", {
      message: `Cannot read query parameter "${name}": its escapes in ${
        quote(raw)
      } do not decode to plain text`,
    });
  }
  return value;
}
