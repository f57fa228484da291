/** Annotations: maps of strings to strings on manifests and descriptors (image-spec, annotations.md). */
import { forEachMember, kindAt, showAt, stringAt, textBetween } from "./json_view.ts";
import { manifestFault } from "./manifest_fault.ts";
import { quote } from "./quote.ts";

/**
 * Most annotations that {@linkcode readAnnotations} takes. Each becomes a property, which costs about a microsecond:
 * the half million that fit into 4 MiB would hold up every listing of referrers for half a second.
 */
export const MOST_ANNOTATIONS = 10_000;

/**
 * Checks the annotations at offset `at` of checked JSON without building them. `where` names them in messages.
 *
 * @throws {OciError} MANIFEST_INVALID for anything but strings
 */
export function checkAnnotations(bytes: Uint8Array, at: number, where: string): void {
  forEachAnnotation(bytes, at, where, () => {});
}

/**
 * Reads the annotations at offset `at` of checked JSON. `where` names them in messages.
 *
 * @throws {OciError} MANIFEST_INVALID for anything but strings, and for more than {@linkcode MOST_ANNOTATIONS}
 */
export function readAnnotations(bytes: Uint8Array, at: number, where: string): Record<string, string> {
  const entries: [string, string][] = [];
  forEachAnnotation(bytes, at, where, (keyStart, keyEnd, value) => {
    if (entries.length === MOST_ANNOTATIONS) {
      throw manifestFault(`${where} has more than ${MOST_ANNOTATIONS} entries`);
    }
    entries.push([textBetween(bytes, keyStart, keyEnd), stringAt(bytes, value)!]);
  });
  // Makes own properties, also of a key `__proto__`, which an assignment would lose.
  return Object.fromEntries(entries);
}

function forEachAnnotation(
  bytes: Uint8Array,
  at: number,
  where: string,
  visit: (keyStart: number, keyEnd: number, value: number) => void,
): void {
  if (kindAt(bytes, at) !== "object") {
    throw manifestFault(`${where} is ${showAt(bytes, at)}, expected an object of strings`);
  }
  forEachMember(bytes, at, (keyStart, keyEnd, value) => {
    if (kindAt(bytes, value) !== "string") {
      const key = quote(textBetween(bytes, keyStart, keyEnd));
      throw manifestFault(`${where}[${key}] is ${showAt(bytes, value)}, expected a string`);
    }
    visit(keyStart, keyEnd, value);
  });
}
