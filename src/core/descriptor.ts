/** Descriptors: how one piece of content points at another (image-spec, descriptor.md). */
import { checkAnnotations } from "./annotations.ts";
import { type Digest, isDigest } from "./digest.ts";
import { findMembers, kindAt, memberNames, showAt, stringAt, wholeNumberAt } from "./json_view.ts";
import { manifestFault } from "./manifest_fault.ts";
import { isContentType, type MediaType } from "./media_type.ts";
import type { OciError } from "./oci_error.ts";

export interface Descriptor {
  readonly mediaType: MediaType;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly artifactType?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

const MEDIA_TYPE = "a media type (RFC 6838)";
const DIGEST = '"sha256:" and 64 or "sha512:" and 128 lower-case hexadecimal digits';

const MEMBERS = memberNames(
  "mediaType",
  "digest",
  "size",
  "urls",
  "annotations",
  "data",
  "artifactType",
  "platform",
);

/**
 * Reads the descriptor at offset `at` of checked JSON, undefined for a missing member. `where` names it in messages,
 * e.g. `layers[3]`. Its annotations and data are checked and left out.
 *
 * @throws {OciError} MANIFEST_INVALID
 */
export function readDescriptor(bytes: Uint8Array, at: number | undefined, where: () => string): Descriptor {
  if (at === undefined || kindAt(bytes, at) !== "object") {
    throw memberFault(bytes, at, where(), "a descriptor");
  }
  const members = findMembers(bytes, at, MEMBERS);
  const mediaType = mediaTypeAt(bytes, members.mediaType);
  if (mediaType === undefined) {
    throw memberFault(bytes, members.mediaType, `${where()}.mediaType`, MEDIA_TYPE);
  }
  const digest = members.digest === undefined ? undefined : stringAt(bytes, members.digest);
  if (digest === undefined || !isDigest(digest)) {
    throw memberFault(bytes, members.digest, `${where()}.digest`, DIGEST);
  }
  const size = members.size === undefined ? undefined : wholeNumberAt(bytes, members.size);
  if (size === undefined) {
    throw memberFault(bytes, members.size, `${where()}.size`, "a whole number of bytes, 0 or more");
  }
  const annotations = present(bytes, members.annotations);
  if (annotations !== undefined) checkAnnotations(bytes, annotations, `${where()}.annotations`);
  const data = present(bytes, members.data);
  if (data !== undefined && !isBase64(bytes, data)) {
    throw memberFault(bytes, data, `${where()}.data`, "a string of base64");
  }
  const artifactType = readArtifactType(bytes, members.artifactType, () => `${where()}.artifactType`);
  return artifactType === undefined ? { mediaType, digest, size } : { mediaType, digest, size, artifactType };
}

/**
 * Reads an artifact type; undefined when it is missing, null or empty (distribution-spec "Listing Referrers" takes
 * an empty one for a missing one).
 *
 * @throws {OciError} MANIFEST_INVALID for anything but a media type
 */
export function readArtifactType(
  bytes: Uint8Array,
  at: number | undefined,
  where: () => string,
): MediaType | undefined {
  const found = present(bytes, at);
  if (found === undefined || stringAt(bytes, found) === "") return undefined;
  const type = mediaTypeAt(bytes, found);
  if (type === undefined) throw memberFault(bytes, found, where(), MEDIA_TYPE);
  return type;
}

/** The offset of an optional member's value; undefined also for null, which every reader takes for absent. */
export function present(bytes: Uint8Array, at: number | undefined): number | undefined {
  return at === undefined || kindAt(bytes, at) === "null" ? undefined : at;
}

/** The error for a member that is missing or is not what was `expected`. */
export function memberFault(
  bytes: Uint8Array,
  at: number | undefined,
  where: string,
  expected: string,
): OciError {
  return manifestFault(
    at === undefined ? `${where} is missing` : `${where} is ${showAt(bytes, at)}, expected ${expected}`,
  );
}

function mediaTypeAt(bytes: Uint8Array, at: number | undefined): MediaType | undefined {
  const text = at === undefined ? undefined : stringAt(bytes, at);
  return text !== undefined && isContentType(text) ? text as MediaType : undefined;
}

/** Base64 with padding (RFC 4648 section 4). That it fits digest and size is for its reader to check. */
function isBase64(bytes: Uint8Array, at: number): boolean {
  const text = stringAt(bytes, at);
  return text !== undefined && text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text);
}
