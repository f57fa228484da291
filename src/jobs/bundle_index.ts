/** Reads what an archive says of itself: that it is an image layout, what its index names, and what rides along. */
import type { Descriptor } from "../core/descriptor.ts";
import { type Digest, isDigest } from "../core/digest.ts";
import { describeEntry, readIndexEntries } from "../core/index_entries.ts";
import { parseManifest } from "../core/manifest.ts";
import { OCI_INDEX } from "../core/media_type.ts";
import type { ArchiveReader } from "../ports/archive.ts";
import type { Hasher } from "../ports/hasher.ts";
import { type BundleContents, type EarlierBundle, readContents } from "./bundle_contents.ts";
import { CONTENTS, digestOfPath, INDEX_FILE, LARGEST_INDEX, LAYOUT_FILE, pathOf } from "./bundle_format.ts";

/** Bytes of a list of contents that is read; half a million blobs. */
const LARGEST_CONTENTS = 64 * 1024 * 1024;

/** What archives of `docker save` before Docker 25 have in place of an index. */
const DOCKER_FILE = "manifest.json";

export interface BundleIndex {
  /** Digest of the index: the name of the bundle among others. */
  readonly id: Digest;
  /** As they are in the archive. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly entries: readonly Descriptor[];
  /** Digest of the list of contents; undefined in archives of other programs. */
  readonly contents: Digest | undefined;
}

/** @throws {Error} for what is no image layout */
export async function readBundleIndex(archive: ArchiveReader, hasher: Hasher): Promise<BundleIndex> {
  if (archive.sizeOf(LAYOUT_FILE) === undefined && archive.sizeOf(INDEX_FILE) === undefined) {
    const isDocker = archive.sizeOf(DOCKER_FILE) !== undefined;
    throw new Error(
      isDocker
        ? "it is an archive of docker save in the old form: convert it with skopeo copy docker-archive:FILE oci-archive:FILE"
        : `it is no OCI image layout: it has no ${INDEX_FILE}`,
    );
  }
  const bytes = await archive.readBytes(INDEX_FILE, LARGEST_INDEX);
  if (bytes === undefined) throw new Error(`it is no whole OCI image layout: it has no ${INDEX_FILE}`);
  try {
    const contents = parseManifest(bytes, OCI_INDEX).annotations?.[CONTENTS];
    return {
      id: hasher.digestOf(bytes, "sha256"),
      bytes,
      entries: readIndexEntries(bytes).map((entry) => describeEntry(bytes, entry)),
      contents: contents !== undefined && isDigest(contents) ? contents : undefined,
    };
  } catch (error) {
    throw new Error(`its ${INDEX_FILE} cannot be used: ${(error as Error).message}`, { cause: error });
  }
}

/** The list of contents; undefined where none rides along. @throws {Error} when it is not the one that the index names */
export async function readBundleContents(
  archive: ArchiveReader,
  { contents: digest }: BundleIndex,
  hasher: Hasher,
): Promise<BundleContents | undefined> {
  if (digest === undefined) return undefined;
  const bytes = await archive.readBytes(pathOf(digest), LARGEST_CONTENTS);
  if (bytes === undefined || hasher.digestOf(bytes, "sha256") !== digest) {
    throw new Error(`its list of contents, ${digest}, is missing or damaged`);
  }
  return readContents(bytes);
}

/** What is there once a bundle and those before it are imported: each blob, and the bundle that holds it. */
export async function listHeldBlobs(
  archive: ArchiveReader,
  name: string,
  hasher: Hasher,
): Promise<Map<Digest, EarlierBundle>> {
  const index = await readBundleIndex(archive, hasher);
  const self: EarlierBundle = { id: index.id, name };
  const contents = await readBundleContents(archive, index, hasher);
  const held = new Map<Digest, EarlierBundle>();
  for (const [digest, blob] of contents?.blobs ?? []) held.set(digest, blob.in ?? self);
  if (contents !== undefined) return held;
  for (const path of archive.names) {
    const digest = digestOfPath(path);
    if (digest !== undefined) held.set(digest, self);
  }
  return held;
}
