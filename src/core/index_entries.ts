/** The entries of an index that is stored here, for lists of referrers. */
import { readAnnotations } from "./annotations.ts";
import { type Descriptor, present, readDescriptor } from "./descriptor.ts";
import { findMembers, forEachElement, kindAt, memberNames, rootOf } from "./json_view.ts";

/** An entry without its annotations, which are read for the few that are shown. */
export interface IndexEntry extends Descriptor {
  /** Where its annotations begin in the bytes of the index; undefined where it has none. */
  readonly annotationsAt?: number;
}

const INDEX_MEMBERS = memberNames("manifests");
const ENTRY_MEMBERS = memberNames("annotations");

/**
 * Reads the entries of an index that parseManifest() took, in byte order of their digests. Takes time in proportion to the
 * bytes, whatever they are; JSON.parse can be held up for more than a second by 4 MiB.
 */
export function readIndexEntries(bytes: Uint8Array): IndexEntry[] {
  const entries: IndexEntry[] = [];
  const { manifests } = findMembers(bytes, rootOf(bytes), INDEX_MEMBERS);
  if (manifests === undefined || kindAt(bytes, manifests) !== "array") return entries;
  forEachElement(bytes, manifests, (at, index) => {
    const descriptor = readDescriptor(bytes, at, () => `manifests[${index}]`);
    const annotationsAt = present(bytes, findMembers(bytes, at, ENTRY_MEMBERS).annotations);
    entries.push(annotationsAt === undefined ? descriptor : { ...descriptor, annotationsAt });
  });
  return entries.sort((a, b) => a.digest < b.digest ? -1 : a.digest > b.digest ? 1 : 0);
}

/** The whole descriptor of an entry of the index in `bytes`. */
export function describeEntry(bytes: Uint8Array, { annotationsAt, ...descriptor }: IndexEntry): Descriptor {
  if (annotationsAt === undefined) return descriptor;
  return { ...descriptor, annotations: readAnnotations(bytes, annotationsAt, "annotations") };
}
