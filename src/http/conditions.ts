/** Conditional requests: entity tags made of digests (RFC 9110 section 13). */
import type { Digest } from "../core/digest.ts";
import type { HeaderFields } from "./message.ts";

/** The strong entity tag of a content: its digest in quotes. */
export function entityTagOf(digest: Digest): string {
  return `"${digest}"`;
}

/** True when `If-None-Match` names the content: by a list, by "*", weakly or strongly. */
export function isUnchanged(headers: HeaderFields, digest: Digest): boolean {
  if (headers.get("if-none-match") === undefined) return false;
  const etag = entityTagOf(digest);
  return headers.all("if-none-match").some((value) =>
    value.split(",").some((member) => {
      const tag = member.trim();
      return tag === "*" || tag === etag || tag === `W/${etag}`;
    })
  );
}

/** The `Range` header, unless an `If-Range` says that the client's part is of another content. Dates and weak tags never match. */
export function applicableRange(headers: HeaderFields, digest: Digest): string | undefined {
  const range = headers.get("range");
  if (range === undefined) return undefined;
  const condition = headers.get("if-range");
  return condition === undefined || condition.trim() === entityTagOf(digest) ? range : undefined;
}
