/** Pull from a repository that may be a mirror: what is not here yet, or may be out of date, is asked of its upstream. */
import type { Digest } from "../core/digest.ts";
import { OciError } from "../core/oci_error.ts";
import type { Reference } from "../core/reference.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import { LARGEST_SMALL_BLOB } from "../core/small_blob.ts";
import type { BlobReader } from "../ports/blob_store.ts";
import type { StoredManifest } from "../ports/metadata_store.ts";
import type { Mirrors } from "../ports/mirrors.ts";
import { ArrivingReader } from "./arriving_reader.ts";
import { announceHeldBlob, pullBlob, pullManifest } from "./pull.ts";
import type { Registry } from "./registry.ts";
import type { MirrorRules } from "./repository_rules.ts";

export interface PulledManifest {
  readonly manifest: StoredManifest;
  /** True when the upstream could not confirm that the tag still names it. */
  readonly stale: boolean;
}

/** As {@linkcode pullManifest}. @throws {OciError} also what {@linkcode Mirrors} throws */
export async function pullManifestThrough(
  registry: Registry,
  repository: RepositoryName,
  reference: Reference,
): Promise<PulledManifest> {
  const mirror = findMirror(registry, repository);
  if (mirror === undefined) {
    return { manifest: await pullManifest(registry, repository, reference), stale: false };
  }
  const here = await registry.metadata.findManifest(repository, reference);
  if (here !== undefined && isSettled(registry, repository, reference, mirror.rules)) {
    return pulled(registry, "hit", here);
  }
  if (reference.kind === "digest") {
    await mirror.mirrors.bringManifest(repository, reference.digest);
    return pulled(registry, "miss", await pullManifest(registry, repository, reference));
  }
  const { digest, stale } = await mirror.mirrors.freshenTag(repository, reference.tag, here?.digest);
  if (here?.digest === digest) return pulled(registry, stale ? "stale" : "hit", here);
  const manifest = await pullManifest(registry, repository, { kind: "digest", digest });
  return pulled(registry, stale ? "stale" : "miss", manifest);
}

/** As {@linkcode pullBlob}; the bytes of a blob that is on its way come as they arrive. */
export async function pullBlobThrough(
  registry: Registry,
  repository: RepositoryName,
  digest: Digest,
): Promise<BlobReader> {
  const mirror = findMirror(registry, repository);
  if (mirror === undefined) return await pullBlob(registry, repository, digest);
  const here = await orAbsent(pullBlob(registry, repository, digest));
  count(registry, "blob", here === undefined ? "miss" : "hit");
  if (here !== undefined) return here;
  const arriving = await mirror.mirrors.bringBlob(repository, digest);
  if (arriving === undefined) return await pullBlob(registry, repository, digest);
  // A small one is sent when it is complete: a failure has a status then.
  if (arriving.size > LARGEST_SMALL_BLOB) {
    const file = await registry.blobs.openUnfinished(arriving.session, arriving.size);
    if (file !== undefined) return new ArrivingReader(file, arriving);
  }
  await arriving.complete();
  return await pullBlob(registry, repository, digest);
}

/** As {@linkcode announceHeldBlob}, of a blob that may be upstream only; nothing is brought. Gives its bytes. */
export async function announceBlobThrough(
  registry: Registry,
  repository: RepositoryName,
  digest: Digest,
): Promise<number> {
  const mirror = findMirror(registry, repository);
  if (mirror === undefined) return (await announceHeldBlob(registry, repository, digest)).size;
  const here = await orAbsent(announceHeldBlob(registry, repository, digest));
  return here?.size ?? await mirror.mirrors.sizeOfBlob(repository, digest);
}

/** What is asked for the content of a mirror. */
export interface Mirror {
  readonly rules: MirrorRules;
  readonly mirrors: Mirrors;
}

/** undefined for a repository that is pushed to, and where nobody asks upstreams. */
export function findMirror({ rulesOf, mirrors }: Registry, repository: RepositoryName): Mirror | undefined {
  const rules = rulesOf(repository).mirror;
  return rules === undefined || mirrors === undefined ? undefined : { rules, mirrors };
}

/** True where nothing that an upstream could say changes what is served. */
function isSettled(
  registry: Registry,
  repository: RepositoryName,
  reference: Reference,
  { offline, revalidateAfter }: MirrorRules,
): boolean {
  return reference.kind === "digest" || offline || revalidateAfter === Infinity ||
    registry.rulesOf(repository).isImmutable(reference.tag);
}

function pulled(
  registry: Registry,
  result: "hit" | "miss" | "stale",
  manifest: StoredManifest,
): PulledManifest {
  count(registry, "manifest", result);
  return { manifest, stale: result === "stale" };
}

function count(
  { metrics }: Registry,
  content: "manifest" | "blob",
  result: "hit" | "miss" | "stale",
): void {
  metrics.counter("mirror_pulls_total", { content, result }).add();
}

async function orAbsent<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (fault) {
    if (fault instanceof OciError && fault.code === "BLOB_UNKNOWN") return undefined;
    throw fault;
  }
}
