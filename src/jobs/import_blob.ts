/** Brings one blob of an import: from the repository itself, from another one here, or byte by byte from the source. */
import { algorithmOf, type Digest } from "../core/digest.ts";
import type { ManifestReference } from "../core/manifest.ts";
import { OciError } from "../core/oci_error.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import { SourceFault } from "../core/source_fault.ts";
import type { SourceBlob } from "../ports/content_source.ts";
import { mountFrom } from "../registry/mount.ts";
import { isAnnounced } from "../registry/pull.ts";
import { uploadWhole } from "../registry/upload.ts";
import type { ImportWork } from "./import_work.ts";

/** Repositories that are looked at for a blob which the registry has already. */
const MOST_HOLDERS = 32;

/** Whose the upload sessions of an import are: nobody's who could ask for one. */
const OWNER = "import";

/** How a blob came; undefined for one that neither the registry nor the source has. */
export type BlobArrival = "there" | "shared" | "came" | undefined;

/**
 * Lets a repository hold a blob whose bytes were held against its digest, now or when they came here. What another
 * repository holds is shared with it where the source has the bytes too: to know their digest is no right to them.
 *
 * @throws {SourceFault} {OciError} why it cannot come
 */
export async function importBlob(
  work: ImportWork,
  repository: RepositoryName,
  { digest, size }: Pick<ManifestReference, "digest" | "size">,
): Promise<BlobArrival> {
  if (await isHere(work, repository, digest)) {
    work.passed(size);
    return "there";
  }
  const holders = await holdersOf(work, repository, digest);
  const isLeftOut = holders.length > 0 && await work.source.leavesOut?.(digest);
  if (isLeftOut && await share(work, holders, repository, digest)) {
    work.passed(size);
    return "shared";
  }
  const blob = await work.source.findBlob(repository, digest);
  if (blob === undefined) return undefined;
  try {
    return await bringBlob(work, holders, repository, { digest, size }, blob);
  } finally {
    blob.leave?.();
  }
}

async function bringBlob(
  work: ImportWork,
  holders: readonly RepositoryName[],
  repository: RepositoryName,
  { digest, size }: Pick<ManifestReference, "digest" | "size">,
  blob: SourceBlob,
): Promise<BlobArrival> {
  if (blob.size !== size) {
    throw new SourceFault(
      `blob ${digest} has ${blob.size} bytes there, and the manifest says that it has ${size}`,
    );
  }
  if (
    holders.length > 0 && await isShown(work, digest, blob) && await share(work, holders, repository, digest)
  ) {
    return "shared";
  }
  if (work.dryRun) work.passed(size);
  else await copyBlob(work, repository, digest, blob);
  work.shown.add(digest);
  return "came";
}

async function isHere(
  { registry, dryRun }: ImportWork,
  repository: RepositoryName,
  digest: Digest,
): Promise<boolean> {
  if (dryRun) {
    const held = await registry.metadata.findBlob(repository, digest);
    return held !== undefined && await registry.blobs.isWhole(held.file, held.size);
  }
  return await isAnnounced(registry, repository, digest);
}

async function holdersOf(
  { registry }: ImportWork,
  repository: RepositoryName,
  digest: Digest,
): Promise<RepositoryName[]> {
  const holders = await registry.metadata.listHolders(digest, MOST_HOLDERS);
  return holders.filter((holder) => holder !== repository);
}

/** False where none of the holders has it any more. */
async function share(
  work: ImportWork,
  holders: readonly RepositoryName[],
  repository: RepositoryName,
  digest: Digest,
): Promise<boolean> {
  const { registry, dryRun } = work;
  for (const holder of holders) {
    if (dryRun ? await isHere(work, holder, digest) : await mountFrom(registry, repository, holder, digest)) {
      return true;
    }
  }
  return false;
}

/** Reads the bytes of the source once for all repositories. @throws {SourceFault} for bytes with another digest */
async function isShown(work: ImportWork, digest: Digest, blob: SourceBlob): Promise<boolean> {
  if (work.dryRun || work.shown.has(digest)) {
    work.passed(blob.size);
    return true;
  }
  const hash = work.registry.hasher.startHash(algorithmOf(digest));
  // No source shares memory with other threads.
  for await (const chunk of watch(work, blob)) await hash.update(chunk as Uint8Array<ArrayBuffer>);
  if (await hash.digest() !== digest) throw isDamaged(digest);
  work.shown.add(digest);
  return true;
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
    if (error.code === "DIGEST_INVALID") throw isDamaged(digest);
    if (error.code === "SIZE_INVALID") {
      throw new SourceFault(
        `blob ${digest} is damaged there: it has not the ${blob.size} bytes it should have`,
      );
    }
    throw error;
  }
}

function isDamaged(digest: Digest): SourceFault {
  return new SourceFault(`blob ${digest} is damaged there: its bytes have another digest`);
}

async function* watch({ signal, passed }: ImportWork, blob: SourceBlob): AsyncIterable<Uint8Array> {
  for await (const chunk of blob.chunks()) {
    signal.throwIfAborted();
    passed(chunk.length);
    yield chunk;
  }
}
