/** References: what stands behind `/manifests/` in a request, a tag or a digest. */
import { type Digest, parseDigest } from "./digest.ts";
import { parseTag, type Tag } from "./tag.ts";

export type Reference =
  | { readonly kind: "tag"; readonly tag: Tag }
  | { readonly kind: "digest"; readonly digest: Digest };

/**
 * Parses a reference. A colon cannot occur in a tag, so a text with one is read as a digest.
 *
 * @throws {OciError} DIGEST_INVALID or TAG_INVALID
 */
export function parseReference(text: string): Reference {
  return text.includes(":")
    ? { kind: "digest", digest: parseDigest(text) }
    : { kind: "tag", tag: parseTag(text) };
}

/** The text that {@linkcode parseReference} reads. */
export function formatReference(reference: Reference): string {
  return reference.kind === "tag" ? reference.tag : reference.digest;
}
