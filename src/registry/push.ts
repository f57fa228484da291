/** Push: takes a manifest and lets tags name it. */
import type { Digest } from "../core/digest.ts";
import type { MediaType } from "../core/media_type.ts";
import { OciError } from "../core/oci_error.ts";
import type { Reference } from "../core/reference.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { ManifestPushOutcome } from "../ports/metadata_store.ts";
import { tagIsImmutable } from "./immutable_tags.ts";
import { quotaIsFull } from "./quota.ts";
import type { Registry } from "./registry.ts";

export interface ManifestUpload {
  readonly repository: RepositoryName;
  readonly reference: Reference;
  /** Every tag that will name the manifest. */
  readonly tags: readonly Tag[];
  readonly contentType: MediaType;
  /** Taken over by the push. */
  readonly bytes: Uint8Array;
}

export interface PushOptions {
  /** True for a copy of what is elsewhere: its content may come later, and tags move as they do there. */
  readonly fromUpstream?: boolean;
}

export interface PushedManifest {
  readonly digest: Digest;
  readonly subject: Digest | undefined;
}

/**
 * Stores a manifest exactly as sent (distribution-spec end-7).
 *
 * @throws {OciError} MANIFEST_INVALID (413 over the limit), DIGEST_INVALID, MANIFEST_BLOB_UNKNOWN,
 * DENIED for an immutable tag that names another manifest (409) and over the quota
 */
export async function pushManifest(
  registry: Registry,
  upload: ManifestUpload,
  { fromUpstream = false }: PushOptions = {},
): Promise<PushedManifest> {
  const { repository, reference } = upload;
  if (upload.bytes.length > registry.settings.maxManifestSize) throw manifestTooLarge(registry);
  const { digest, manifest, bytes } = await registry.manifests.read({
    bytes: upload.bytes,
    contentType: upload.contentType,
    stated: reference.kind === "digest" ? reference.digest : undefined,
  });
  const outcome = await registry.metadata.putManifest({
    repository,
    digest,
    mediaType: manifest.mediaType,
    bytes,
    ...(manifest.subject !== undefined && { subject: manifest.subject.digest }),
    ...(manifest.artifactType !== undefined && { artifactType: manifest.artifactType }),
    ...(manifest.annotations !== undefined && { annotations: manifest.annotations }),
    references: manifest.references,
    tags: upload.tags,
    immutableTags: fromUpstream ? [] : upload.tags.filter(registry.rulesOf(repository).isImmutable),
    quota: registry.rulesOf(repository).quota,
    requireBlobs: !fromUpstream && !registry.settings.allowMissingManifestReferences,
    at: registry.clock.now(),
  });
  refuseUnlessStored(outcome, repository, digest);
  return { digest, subject: manifest.subject?.digest };
}

/** What a client reads whose manifest is larger than the limit. */
export function manifestTooLarge(registry: Registry): OciError {
  return new OciError("MANIFEST_INVALID", {
    status: 413,
    message:
      `Cannot push manifest: it is larger than ${registry.settings.maxManifestSize} bytes, the limit here`,
  });
}

function refuseUnlessStored(outcome: ManifestPushOutcome, repository: RepositoryName, digest: Digest): void {
  switch (outcome.kind) {
    case "stored":
      return;
    case "blobs_missing": {
      const [first, ...others] = outcome.missing;
      const more = others.length === 0 ? "" : ` and ${others.length} more`;
      throw new OciError("MANIFEST_BLOB_UNKNOWN", {
        message:
          `Cannot push manifest ${digest}: repository "${repository}" has no blob ${first}${more}; push or mount it first`,
        detail: outcome.missing.map((missing) => ({ digest: missing })),
      });
    }
    case "size_differs":
      throw new OciError("MANIFEST_INVALID", {
        message:
          `Cannot push manifest ${digest}: it says that blob ${outcome.digest} has ${outcome.stated} bytes, the blob has ${outcome.actual}`,
        detail: { digest: outcome.digest, stated: outcome.stated, actual: outcome.actual },
      });
    case "tag_immutable":
      throw tagIsImmutable(repository, outcome.tag, outcome.current, digest);
    case "over_quota":
      throw quotaIsFull(repository, outcome);
  }
}
