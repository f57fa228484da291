/** Pull: manifests and blobs that a repository holds. */
import type { Digest } from "../core/digest.ts";
import { OciError } from "../core/oci_error.ts";
import { formatReference, type Reference } from "../core/reference.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { BlobReader } from "../ports/blob_store.ts";
import type { HeldBlob, StoredManifest } from "../ports/metadata_store.ts";
import type { Registry } from "./registry.ts";

/**
 * Finds a manifest by tag or digest (distribution-spec end-3).
 *
 * @throws {OciError} MANIFEST_UNKNOWN
 */
export async function pullManifest(
  registry: Registry,
  repository: RepositoryName,
  reference: Reference,
): Promise<StoredManifest> {
  const manifest = await registry.metadata.findManifest(repository, reference);
  if (manifest === undefined) throw manifestUnknown(repository, reference);
  return manifest;
}

/**
 * Opens a blob of a repository (distribution-spec end-2). The caller closes the reader.
 *
 * @throws {OciError} BLOB_UNKNOWN, also when the row is there and the bytes are not: a client that pushes the blob again heals it
 */
export async function pullBlob(
  registry: Registry,
  repository: RepositoryName,
  digest: Digest,
): Promise<BlobReader> {
  let blob = await findHeldBlob(registry, repository, digest);
  while (true) {
    const reader = await registry.blobs.open(blob.file, blob.size);
    if (reader !== undefined) return reader;
    // A new push may have replaced the file between the look-up and the opening.
    const again = await findHeldBlob(registry, repository, digest);
    if (again.file === blob.file) break;
    blob = again;
  }
  reportMissingBytes(registry, blob);
  throw blobUnknown(repository, digest);
}

/**
 * Tells a client that the repository has a blob, and writes down that it was told, since the collection of unused blobs
 * counts on it (distribution-spec end-2, HEAD).
 *
 * @throws {OciError} BLOB_UNKNOWN, also when the bytes are missing, short, or known to be damaged
 */
export async function announceHeldBlob(
  registry: Registry,
  repository: RepositoryName,
  digest: Digest,
): Promise<HeldBlob> {
  let blob = await findHeldBlob(registry, repository, digest);
  const now = registry.clock.now();
  if (now - blob.announcedAt > registry.settings.announceAfter) {
    await registry.metadata.announceBlob(repository, digest, now);
    // The hold may have been collected just before the announcement reached the store.
    blob = await findHeldBlob(registry, repository, digest);
  }
  if (await registry.blobs.isWhole(blob.file, blob.size)) return blob;
  const again = await findHeldBlob(registry, repository, digest);
  if (again.file !== blob.file && await registry.blobs.isWhole(again.file, again.size)) return again;
  reportMissingBytes(registry, again);
  throw blobUnknown(repository, digest);
}

/** True when the repository holds the blob already, and whoever asked may count on it: {@linkcode announceHeldBlob}. */
export async function isAnnounced(
  registry: Registry,
  repository: RepositoryName,
  digest: Digest,
): Promise<boolean> {
  try {
    await announceHeldBlob(registry, repository, digest);
    return true;
  } catch (error) {
    if (error instanceof OciError && error.code === "BLOB_UNKNOWN") return false;
    throw error;
  }
}

/** What a client reads that asks for a blob which the repository does not hold. */
export function blobUnknown(repository: RepositoryName, digest: Digest): OciError {
  return new OciError("BLOB_UNKNOWN", { message: `Repository "${repository}" has no blob ${digest}` });
}

/** What a client reads that asks for a manifest which the repository does not hold. */
export function manifestUnknown(repository: RepositoryName, reference: Reference): OciError {
  const what = reference.kind === "tag" ? `tag "${reference.tag}"` : `manifest ${formatReference(reference)}`;
  return new OciError("MANIFEST_UNKNOWN", { message: `Repository "${repository}" has no ${what}` });
}

async function findHeldBlob(
  registry: Registry,
  repository: RepositoryName,
  digest: Digest,
): Promise<HeldBlob> {
  const blob = await registry.metadata.findBlob(repository, digest);
  if (blob === undefined) throw blobUnknown(repository, digest);
  return blob;
}

function reportMissingBytes(registry: Registry, blob: HeldBlob): void {
  registry.log.error(
    "the bytes of a blob are missing, short or damaged; the next push of its digest heals it",
    {
      digest: blob.digest,
      file: blob.file,
      size: blob.size,
    },
  );
}
