/** Brings one blob of an import: from the repository itself, from another one here, or byte by byte from the source. */
import type { Digest } from "../core/digest.ts";
import type { ManifestReference } from "../core/manifest.ts";
import { OciError } from "../core/oci_error.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import { SourceFault } from "../core/source_fault.ts";
import type { SourceBlob } from "../ports/content_source.ts";
import { mountFrom } from "../registry/mount.ts";
import { announceHeldBlob } from "../registry/pull.ts";
import { uploadWhole } from "../registry/upload.ts";
import type { ImportWork } from "./import_work.ts";

/** Repositories that are looked at for a blob which the registry has already. */
const MOST_HOLDERS = 32;

/** Whose the upload sessions of an import are: nobody's who could ask for one. */
const OWNER = "import";

/** How a blob came; undefined for one that neither the registry nor the source has. */
export type BlobArrival = "there" | "shared" | "came" | undefined;

/**
 * Lets a repository hold a blob whose bytes were held against its digest, now or when they came here.
 *
 * @throws {SourceFault} {OciError} why it cannot come
 */
export async function importBlob(
  work: ImportWork,
  repository: RepositoryName,
  { digest, size }: Pick<ManifestReference, "digest" | "size">,
): Promise<BlobArrival> {
  const here = work.dryRun
    ? await findHere(work, repository, digest)
    : await takeFromHere(work, repository, digest);
  if (here !== undefined) {
    work.passed(size);
    return here;
  }
  const blob = await work.source.findBlob(repository, digest);
  if (blob === undefined) return undefined;
  if (blob.size !== size) {
    throw new SourceFault(
      `blob ${digest} has ${blob.size} bytes there, and the manifest says that it has ${size}`,
    );
  }
  if (work.dryRun) work.passed(size);
  else await copyBlob(work, repository, digest, blob);
  return "came";
}

async function findHere(
  { registry }: ImportWork,
  repository: RepositoryName,
  digest: Digest,
): Promise<BlobArrival> {
  for (const holder of [repository, ...await registry.metadata.listHolders(digest, MOST_HOLDERS)]) {
    const held = await registry.metadata.findBlob(holder, digest);
    if (held === undefined || !await registry.blobs.isWhole(held.file, held.size)) continue;
    return holder === repository ? "there" : "shared";
  }
  return undefined;
}

async function takeFromHere(
  { registry }: ImportWork,
  repository: RepositoryName,
  digest: Digest,
): Promise<BlobArrival> {
  try {
    await announceHeldBlob(registry, repository, digest);
    return "there";
  } catch (error) {
    if (!(error instanceof OciError && error.code === "BLOB_UNKNOWN")) throw error;
  }
  for (const holder of await registry.metadata.listHolders(digest, MOST_HOLDERS)) {
    if (holder !== repository && await mountFrom(registry, repository, holder, digest)) return "shared";
  }
  return undefined;
}

async function copyBlob(
  work: ImportWork,
  repository: RepositoryName,
  digest: Digest,
  blob: SourceBlob,
): Promise<void> {
  const piece = { length: blob.size, window: undefined, chunks: () => watch(work, blob) };
  try {
    await uploadWhole(work.registry, repository, OWNER, digest, piece);
  } catch (error) {
    if (!(error instanceof OciError)) throw error;
    // Their messages are for a client that holds an upload session.
    if (error.code === "DIGEST_INVALID") {
      throw new SourceFault(`blob ${digest} is damaged there: its bytes have another digest`);
    }
    if (error.code === "SIZE_INVALID") {
      throw new SourceFault(
        `blob ${digest} is damaged there: it has not the ${blob.size} bytes it should have`,
      );
    }
    throw error;
  }
}

async function* watch({ signal, passed }: ImportWork, blob: SourceBlob): AsyncIterable<Uint8Array> {
  for await (const chunk of blob.chunks()) {
    signal.throwIfAborted();
    passed(chunk.length);
    yield chunk;
  }
}
