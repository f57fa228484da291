/** Tags that say what their manifest is about: `sha256-<hex>` (distribution-spec "Referrers Tag Schema") and cosign's `sha256-<hex>.sig`. */
import { type Digest, isDigest } from "./digest.ts";
import type { Tag } from "./tag.ts";

/** The digest that the tag is made of; undefined for any other tag. */
export function subjectOfTag(tag: Tag): Digest | undefined {
  const match = /^(sha256|sha512)-([0-9a-f]{64,128})(?:\.[A-Za-z0-9_-]+)?$/.exec(tag);
  const digest = match === null ? "" : `${match[1]}:${match[2]}`;
  return isDigest(digest) ? digest as Digest : undefined;
}
