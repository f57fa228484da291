/** Delete: tags, manifests and blobs of one repository. */
import type { Digest } from "../core/digest.ts";
import { OciError } from "../core/oci_error.ts";
import type { Reference } from "../core/reference.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import { deleteUnlessImmutable, deletionIsRefused, mustStay } from "./immutable_tags.ts";
import { blobUnknown, manifestUnknown } from "./pull.ts";
import type { Registry } from "./registry.ts";
import { removeObsolete } from "./finish_upload.ts";

/**
 * Deletes a tag, or a manifest with every tag that names it (distribution-spec end-9).
 *
 * @throws {OciError} MANIFEST_UNKNOWN, DENIED (409) for an immutable tag or a manifest that one names
 */
export async function deleteManifest(
  registry: Registry,
  repository: RepositoryName,
  reference: Reference,
): Promise<void> {
  const deleted = reference.kind === "tag"
    ? await deleteTag(registry, repository, reference.tag)
    : await deleteUnlessImmutable(registry, repository, reference.digest);
  if (!deleted) throw manifestUnknown(repository, reference);
}

async function deleteTag(registry: Registry, repository: RepositoryName, tag: Tag): Promise<boolean> {
  if (!mustStay(registry, repository, tag)) {
    return await registry.metadata.deleteTag(repository, tag, registry.clock.now());
  }
  if (await registry.metadata.findManifest(repository, { kind: "tag", tag }) === undefined) return false;
  throw deletionIsRefused(repository, `tag "${tag}"`, tag);
}

/**
 * Takes a blob from a repository (distribution-spec end-10). Other repositories keep it.
 *
 * @throws {OciError} BLOB_UNKNOWN, DENIED (405) while a manifest of the repository references it
 */
export async function deleteBlob(
  registry: Registry,
  repository: RepositoryName,
  digest: Digest,
): Promise<void> {
  const deletion = await registry.metadata.deleteBlob(repository, digest);
  switch (deletion.kind) {
    case "deleted":
      if (deletion.obsolete !== undefined) await removeObsolete(registry, deletion.obsolete);
      return;
    case "unknown":
      throw blobUnknown(repository, digest);
    case "referenced":
      throw new OciError("DENIED", {
        status: 405,
        message:
          `Cannot delete blob ${digest}: manifest ${deletion.by} of repository "${repository}" references it, delete that first`,
        detail: { manifest: deletion.by },
        headers: { allow: "GET, HEAD" },
      });
  }
}
