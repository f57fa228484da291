/** Media types: their grammar, and the ones that mean something to a registry. */
import { OciError } from "./oci_error.ts";
import { quote } from "./quote.ts";

/** A bare `type/subtype` of RFC 6838, without parameters; only {@linkcode parseMediaType} makes one from a client's text. */
export type MediaType = string & { readonly __brand: "MediaType" };

export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json" as MediaType;
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json" as MediaType;
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json" as MediaType;
export const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json" as MediaType;
export const DOCKER_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+json" as MediaType;
export const DOCKER_SCHEMA1_SIGNED = "application/vnd.docker.distribution.manifest.v1+prettyjws" as MediaType;

/**
 * Parses a bare media type (RFC 6838 section 4.2: restricted names of at most 127 characters).
 *
 * @throws {OciError} MANIFEST_INVALID, since media types reach the registry with manifests only
 */
export function parseMediaType(text: string): MediaType {
  if (isMediaType(text)) return text;
  throw new OciError("MANIFEST_INVALID", {
    message: `Cannot use media type ${quote(text)}: expected type/subtype without parameters (RFC 6838)`,
  });
}

/** True when {@linkcode parseMediaType} would take the text. */
export function isMediaType(text: string): text is MediaType {
  return /^[a-zA-Z0-9][\w!#$&^.+-]{0,126}\/[a-zA-Z0-9][\w!#$&^.+-]{0,126}$/.test(text);
}

/**
 * True for what a descriptor may carry as its type: a media type, also one with parameters, which older signatures have
 * (`application/vnd.dev.sigstore.bundle+json;version=0.3`). It comes back in JSON only, never in a header.
 */
export function isContentType(text: string): boolean {
  const semicolon = text.indexOf(";");
  if (semicolon < 0) return isMediaType(text);
  return isMediaType(text.slice(0, semicolon)) && /^[\x20-\x7e]{0,200}$/.test(text.slice(semicolon));
}

/**
 * Parses a `Content-Type` header, dropping its parameters (distribution-spec "Pushing Manifests").
 *
 * @throws {OciError} MANIFEST_INVALID
 */
export function parseContentType(header: string): MediaType {
  const semicolon = header.indexOf(";");
  return parseMediaType((semicolon < 0 ? header : header.slice(0, semicolon)).trim());
}

/** True for the two types that list other manifests. */
export function isIndexType(type: string): boolean {
  return type === OCI_INDEX || type === DOCKER_LIST;
}

/** True for the types whose layers live elsewhere and are never pushed (image-spec "Non-distributable layers"). */
export function isNonDistributable(type: string): boolean {
  return type.startsWith("application/vnd.oci.image.layer.nondistributable.") ||
    type.startsWith("application/vnd.docker.image.rootfs.foreign.");
}
