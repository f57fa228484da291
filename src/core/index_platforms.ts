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

/** An entry of an index that says for which platform it is. */
export interface PlatformEntry {
  readonly digest: Digest;
  readonly platform: Platform;
}

/** By digest; of entries with one digest the last counts. As {@linkcode listPlatforms} reads them. */
export function readPlatforms(bytes: Uint8Array): Map<Digest, Platform> {
  return new Map(listPlatforms(bytes).map(({ digest, platform }) => [digest, platform]));
}

/** Reads an index that parseManifest() took, in time in proportion to its bytes. Entries without a platform are left out. */
export function listPlatforms(bytes: Uint8Array): PlatformEntry[] {
  const entries: PlatformEntry[] = [];
  const { manifests } = findMembers(bytes, rootOf(bytes), INDEX_MEMBERS);
  if (manifests === undefined || kindAt(bytes, manifests) !== "array") return entries;
  forEachElement(bytes, manifests, (at) => {
    const entry = findMembers(bytes, at, ENTRY_MEMBERS);
    const digest = entry.digest === undefined ? undefined : stringAt(bytes, entry.digest);
    if (digest === undefined || !isDigest(digest)) return;
    const platform = platformAt(bytes, entry.platform);
    if (platform !== undefined) entries.push({ digest: digest as Digest, platform });
  });
  return entries;
}

function platformAt(bytes: Uint8Array, at: number | undefined): Platform | undefined {
  if (at === undefined || kindAt(bytes, at) !== "object") return undefined;
  const members = findMembers(bytes, at, PLATFORM_MEMBERS);
  const text = (member: number | undefined) => member === undefined ? undefined : stringAt(bytes, member);
  const [os, architecture, variant] = [members.os, members.architecture, members.variant].map(text);
  if (os === undefined || architecture === undefined) return undefined;
  return { os, architecture, ...(variant !== undefined && { variant }) };
}
