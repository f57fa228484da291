/** Mount: lets a repository hold a blob that another one holds, without moving its bytes. */
import type { Caller } from "../core/caller.ts";
import { algorithmOf, type Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import { uploadOwnerOf } from "../core/upload_owner.ts";
import type { UploadSession } from "../ports/metadata_store.ts";
import { authorize, isAllowed } from "./authorize.ts";
import { isAnnounced } from "./pull.ts";
import { quotaIsFull } from "./quota.ts";
import type { Registry } from "./registry.ts";
import { startUpload } from "./upload.ts";

/** Repositories that an automatic mount looks at. */
const MOST_HOLDERS = 32;

export interface MountRequest {
  readonly repository: RepositoryName;
  readonly digest: Digest;
  /** undefined: any repository that holds the blob and that the caller may read by the policies alone. */
  readonly from?: RepositoryName;
}

/**
 * Mounts a blob, or opens an upload session where that cannot be done (distribution-spec end-11).
 * Returns undefined for a mounted blob, also when the repository has it already.
 *
 * The caller has been authorized to mount; the right to read the source is asked for here, before any look-up in it.
 *
 * @throws {OciError} DENIED when neither the mount nor a plain upload is allowed, and over the quota
 */
export async function mountBlob(
  registry: Registry,
  caller: Caller,
  request: MountRequest,
): Promise<UploadSession | undefined> {
  const { repository, digest, from } = request;
  const named = from === undefined || from === repository ? [repository] : [repository, from];
  if (await mountFromAny(registry, caller, request, named)) return undefined;
  if (from === undefined) {
    const found = await registry.metadata.listHolders(digest, MOST_HOLDERS);
    // A webhook that is asked for each repository which holds the blob would tell by its time that there are some.
    const holders = found.filter((holder) => !registry.rulesOf(holder).asksWebhook);
    if (await mountFromAny(registry, caller, request, holders)) return undefined;
  }
  await authorize(registry, caller, { action: "start-upload", repository }, false);
  return await startUpload(registry, repository, uploadOwnerOf(caller.identity), algorithmOf(digest));
}

async function mountFromAny(
  registry: Registry,
  caller: Caller,
  { repository, digest }: MountRequest,
  sources: readonly RepositoryName[],
): Promise<boolean> {
  for (const source of sources) {
    if (!await isAllowed(registry, caller, { action: "get-blob", repository: source, digest })) continue;
    if (source === repository) {
      if (await isAnnounced(registry, repository, digest)) return true;
    } else if (await mountFrom(registry, repository, source, digest)) {
      return true;
    }
  }
  return false;
}

/**
 * Lets `repository` hold a blob that `from` holds; false when `from` does not, or has no bytes of it. Asks for no permission.
 *
 * @throws {OciError} DENIED over the quota
 */
export async function mountFrom(
  registry: Registry,
  repository: RepositoryName,
  from: RepositoryName,
  digest: Digest,
): Promise<boolean> {
  const blob = await registry.metadata.findBlob(from, digest);
  // A blob without bytes is not handed on: the client's upload heals it.
  if (blob === undefined || !await registry.blobs.isWhole(blob.file, blob.size)) return false;
  const at = registry.clock.now();
  const { quota } = registry.rulesOf(repository);
  const mounted = await registry.metadata.mountBlob({ repository, from, digest, quota, at });
  if (mounted !== undefined && "kind" in mounted) throw quotaIsFull(repository, mounted);
  return mounted !== undefined;
}
