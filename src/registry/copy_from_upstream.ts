/** Copies manifests and blobs of an upstream into a repository here, by the verbs of a push. */
import type { Digest } from "../core/digest.ts";
import { OciError } from "../core/oci_error.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import { UpstreamFault, type UpstreamFaultKind } from "../core/upstream_fault.ts";
import type { UpstreamBlob, UpstreamManifest } from "../ports/upstream.ts";
import { mountFrom } from "./mount.ts";
import { pushManifest } from "./push.ts";
import { readOn } from "./read_on.ts";
import type { Registry } from "./registry.ts";
import type { RemoteBlobs } from "./stated_sizes.ts";
import { steadily } from "./steady_chunks.ts";
import { uploadWhole } from "./upload.ts";
import type { UploadWatch } from "./upload_piece.ts";

/** Whose the upload sessions are: nobody's who could ask for one. */
export const OWNER = "mirror";

/** Repositories that are looked at for a blob which the registry has already. */
const MOST_HOLDERS = 32;

/**
 * Stores a manifest, whatever of its content is here, and lets the tags name it. Immutable tags are not asked: they are
 * what the upstream says.
 *
 * @throws {UpstreamFault} for one that is no manifest, or contradicts what is here
 * @throws {OciError} INSUFFICIENT_STORAGE, also where the quota is used up
 */
export async function storeUpstreamManifest(
  registry: Registry,
  repository: RepositoryName,
  { digest, mediaType, bytes }: UpstreamManifest,
  tags: readonly Tag[],
): Promise<void> {
  const upload = {
    repository,
    reference: { kind: "digest", digest },
    tags,
    contentType: mediaType,
    bytes,
  } as const;
  try {
    await pushManifest(registry, upload, { fromUpstream: true });
  } catch (fault) {
    throw translate(fault, `manifest ${digest}`);
  }
}

/** A connection that broke may be made anew. One that stood still had its time, and so have those who wait. */
const MAY_PASS: ReadonlySet<UpstreamFaultKind> = new Set(["broken"]);

export interface BlobCopying {
  /** Asks for the bytes from `start` on, when those before have come and the connection broke. */
  readonly askForRest: (start: number) => Promise<UpstreamBlob | undefined>;
  /** For whoever reads along. */
  readonly watch?: UploadWatch;
}

/**
 * Stores the bytes of a blob as they arrive; all or nothing of it.
 *
 * @throws {UpstreamFault} when they end too soon, come at a crawl, or are not those of the digest
 * @throws {OciError} INSUFFICIENT_STORAGE, also where the quota is used up
 */
export async function storeUpstreamBlob(
  registry: Registry,
  repository: RepositoryName,
  digest: Digest,
  blob: UpstreamBlob,
  { askForRest, watch }: BlobCopying,
): Promise<void> {
  const { size } = blob;
  const chunks = size === undefined ? blob.chunks : readOn(blob, size, MAY_PASS, askForRest);
  const piece = {
    length: size,
    window: undefined,
    chunks: () => steadily(chunks),
    ...(watch !== undefined && { watch }),
  };
  try {
    await uploadWhole(registry, repository, OWNER, digest, piece);
  } catch (fault) {
    throw translate(fault, `blob ${digest}`);
  } finally {
    blob.abort();
  }
}

/**
 * Lets a repository hold a blob whose bytes another one of the same upstream holds, when the upstream has it here too:
 * nothing is downloaded, and nobody gets what the upstream would not give. Not of other repositories: an upstream that says
 * that it has a blob, and has only its digest, would get what somebody else has pushed. False where the bytes have to come
 * from there.
 *
 * @throws {UpstreamFault} {OciError}
 */
export async function shareUpstreamBlob(
  registry: Registry,
  repository: RepositoryName,
  digest: Digest,
  { upstream, name }: RemoteBlobs,
): Promise<boolean> {
  const holders = (await registry.metadata.listHolders(digest, MOST_HOLDERS)).filter((holder) =>
    holder !== repository && comesFromSame(registry, repository, holder)
  );
  if (holders.length === 0 || await upstream.headBlob(name, digest) === undefined) return false;
  try {
    for (const holder of holders) if (await mountFrom(registry, repository, holder, digest)) return true;
  } catch (fault) {
    throw translate(fault, `blob ${digest}`);
  }
  return false;
}

/** True where the holder's content can have come from no place that is not one of the repository's. */
function comesFromSame({ rulesOf }: Registry, repository: RepositoryName, holder: RepositoryName): boolean {
  const [own, other] = [rulesOf(repository).mirror?.urls ?? [], rulesOf(holder).mirror?.urls ?? []];
  return other.length > 0 && other.every((url) => own.includes(url));
}

/** The words of a push are for whoever pushes: here the upstream is at fault, or the room. */
function translate(fault: unknown, what: string): unknown {
  if (!(fault instanceof OciError)) return fault;
  switch (fault.code) {
    case "DIGEST_INVALID":
      return new UpstreamFault("broken", `the upstream sends other bytes as ${what}`, { cause: fault });
    case "SIZE_INVALID":
      return new UpstreamFault("broken", `the upstream sends more or fewer bytes of ${what} than there are`, {
        cause: fault,
      });
    case "MANIFEST_INVALID":
    case "BLOB_UPLOAD_INVALID":
      return new UpstreamFault("broken", `the upstream sends a ${what} that is not taken: ${fault.message}`, {
        cause: fault,
      });
    case "DENIED":
      return new OciError("INSUFFICIENT_STORAGE", { message: fault.message, cause: fault });
    default:
      return fault;
  }
}
