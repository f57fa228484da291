/** Tags: the mutable names of manifests in a repository. */
import { OciError } from "./oci_error.ts";
import { quote } from "./quote.ts";

/** A tag in the grammar of distribution-spec "Pulling manifests"; only {@linkcode parseTag} makes one. */
export type Tag = string & { readonly __brand: "Tag" };

/**
 * Parses a tag: `[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}`.
 *
 * @throws {OciError} TAG_INVALID
 */
export function parseTag(text: string): Tag {
  if (isTag(text)) return text;
  throw new OciError("TAG_INVALID", {
    message: `Cannot use tag ${
      quote(text)
    }: expected 1 to 128 letters, digits, "_", "." or "-", the first neither "." nor "-"`,
  });
}

/** True when {@linkcode parseTag} would take the text. */
export function isTag(text: string): text is Tag {
  // One character class, no nesting: linear in any engine.
  return /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(text);
}
