/** The media type of a manifest whose bytes alone are known, as in a directory that keeps none beside them. */
import { findMembers, kindAt, memberNames, rootOf, stringAt } from "./json_view.ts";
import { manifestFault } from "./manifest_fault.ts";
import { isMediaType, type MediaType, OCI_INDEX, OCI_MANIFEST } from "./media_type.ts";
import { checkStrictJson } from "./strict_json.ts";

const MEMBERS = memberNames("mediaType", "manifests");

/**
 * Reads what the manifest says of itself (image-spec, manifest.md `mediaType`); where it says nothing, which only OCI allows,
 * the members tell an index from an image.
 *
 * @throws {OciError} MANIFEST_INVALID for what is no JSON object, or says a type that is none
 */
export function manifestTypeOf(bytes: Uint8Array): MediaType {
  checkStrictJson(bytes);
  const root = rootOf(bytes);
  if (kindAt(bytes, root) !== "object") throw manifestFault("it is no JSON object");
  const { mediaType, manifests } = findMembers(bytes, root, MEMBERS);
  if (mediaType === undefined || kindAt(bytes, mediaType) === "null") {
    return manifests === undefined ? OCI_MANIFEST : OCI_INDEX;
  }
  const type = stringAt(bytes, mediaType);
  if (type === undefined || !isMediaType(type)) throw manifestFault("its mediaType is no media type");
  return type;
}
