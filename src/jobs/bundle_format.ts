/** How a bundle lies in its archive: an OCI image layout (image-spec, image-layout.md) with what we add to it. */
import type { Descriptor } from "../core/descriptor.ts";
import { algorithmOf, type Digest, hexOf, isDigest } from "../core/digest.ts";
import { OCI_INDEX } from "../core/media_type.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";

export const LAYOUT_FILE = "oci-layout";
export const INDEX_FILE = "index.json";

/** 64 bytes: the ed25519 signature (RFC 8032) of the bytes of `index.json`. */
export const SIGNATURE_FILE = "index.json.sig";

/** The name of an entry, as every tool knows it (image-spec, annotations.md). */
export const REF_NAME = "org.opencontainers.image.ref.name";

/** On an entry: the repository that it comes from. */
export const REPOSITORY = "io.simple-registry.repository";

/** On an entry: the tag that names it there; absent for what no tag names. */
export const TAG = "io.simple-registry.tag";

/** On the index: the digest of the list of all that the bundle speaks of. */
export const CONTENTS = "io.simple-registry.contents";

/** Bytes of an `index.json` that is written and read; some 100,000 entries. */
export const LARGEST_INDEX = 32 * 1024 * 1024;

const LAYOUT_VERSION = "1.0.0";

/** A manifest of a repository under one of its tags, or under none. */
export interface BundleEntry {
  readonly repository: RepositoryName;
  readonly tag: Tag | undefined;
  readonly manifest: Descriptor;
}

/** `blobs/sha256/<hex>`. */
export function pathOf(digest: Digest): string {
  return `blobs/${algorithmOf(digest)}/${hexOf(digest)}`;
}

/** The digest whose content lies at a path of a layout; undefined for any other path. */
export function digestOfPath(path: string): Digest | undefined {
  const match = /^blobs\/([a-z0-9]{1,16})\/([0-9a-f]{64,128})$/.exec(path);
  const digest = match === null ? "" : `${match[1]}:${match[2]}`;
  return isDigest(digest) ? digest : undefined;
}

export function writeLayoutFile(): Uint8Array {
  return encode(JSON.stringify({ imageLayoutVersion: LAYOUT_VERSION }));
}

/**
 * The `index.json` of a bundle, in an order that depends on nothing but its entries. Entries of one repository are named
 * by their tags, as every tool expects it; those of several as `repository:tag`.
 */
export function writeIndex(entries: readonly BundleEntry[], contents: Digest): Uint8Array {
  const hasOneRepository = new Set(entries.map(({ repository }) => repository)).size === 1;
  const manifests = [...entries].sort(compareEntries).map(({ repository, tag, manifest }) => ({
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.size,
    ...(manifest.artifactType !== undefined && { artifactType: manifest.artifactType }),
    annotations: {
      [REPOSITORY]: repository,
      ...(tag !== undefined && {
        [TAG]: tag,
        [REF_NAME]: hasOneRepository ? tag : `${repository}:${tag}`,
      }),
    },
  }));
  return encode(JSON.stringify({
    schemaVersion: 2,
    mediaType: OCI_INDEX,
    manifests,
    annotations: { [CONTENTS]: contents },
  }));
}

function compareEntries(a: BundleEntry, b: BundleEntry): number {
  return compare(a.repository, b.repository) || compare(a.tag ?? "", b.tag ?? "") ||
    compare(a.manifest.digest, b.manifest.digest);
}

/** By code units, so the same everywhere. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
