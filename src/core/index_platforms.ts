/** The platforms that an index names for the manifests in it (image-spec, image-index.md). */
import { type Digest, isDigest } from "./digest.ts";
import { findMembers, forEachElement, kindAt, memberNames, rootOf, stringAt } from "./json_view.ts";

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

const INDEX_MEMBERS = memberNames("manifests");
const ENTRY_MEMBERS = memberNames("digest", "platform");
const PLATFORM_MEMBERS = memberNames("os", "architecture", "variant");

/** Reads an index that parseManifest() took, in time in proportion to its bytes. Entries without a platform are left out. */
export function readPlatforms(bytes: Uint8Array): Map<Digest, Platform> {
  const platforms = new Map<Digest, Platform>();
  const { manifests } = findMembers(bytes, rootOf(bytes), INDEX_MEMBERS);
  if (manifests === undefined || kindAt(bytes, manifests) !== "array") return platforms;
  forEachElement(bytes, manifests, (at) => {
    const entry = findMembers(bytes, at, ENTRY_MEMBERS);
    const digest = entry.digest === undefined ? undefined : stringAt(bytes, entry.digest);
    const { platform } = entry;
    if (digest === undefined || !isDigest(digest) || platform === undefined) return;
    if (kindAt(bytes, platform) !== "object") return;
    const members = findMembers(bytes, platform, PLATFORM_MEMBERS);
    const text = (member: number | undefined) => member === undefined ? undefined : stringAt(bytes, member);
    const [os, architecture, variant] = [members.os, members.architecture, members.variant].map(text);
    if (os === undefined || architecture === undefined) return;
    platforms.set(digest as Digest, { os, architecture, ...(variant !== undefined && { variant }) });
  });
  return platforms;
}
