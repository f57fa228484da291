/** Quotas: how much a repository may hold, asked before a body is read and again in the transaction that adds to it. */
import type { Digest } from "../core/digest.ts";
import { formatSize } from "../core/format_size.ts";
import { OciError } from "../core/oci_error.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { OverQuota } from "../ports/metadata_store.ts";
import type { Registry } from "./registry.ts";

/** Room for one more blob. */
export interface BlobRoom {
  /** Bytes that the blob may have; Infinity where there is no quota or the repository holds it already. */
  readonly left: number;
  /** The refusal of a blob of so many bytes, or of one whose size is not known yet. */
  refuse(bytes: number | undefined): OciError;
}

/** @param digest what the blob will be named, where the client has said so */
export async function findBlobRoom(
  registry: Registry,
  repository: RepositoryName,
  digest: Digest | undefined,
): Promise<BlobRoom> {
  const limit = registry.rulesOf(repository).quota.bytes;
  const isHeld = limit !== undefined && digest !== undefined &&
    await registry.metadata.findBlob(repository, digest) !== undefined;
  if (limit === undefined || isHeld) {
    return { left: Infinity, refuse: () => new OciError("INTERNAL_ERROR") };
  }
  const { blobBytes, manifestBytes } = await registry.metadata.readUsage(repository);
  const used = blobBytes + manifestBytes;
  return {
    left: Math.max(0, limit - used),
    refuse: (bytes) =>
      quotaIsFull(repository, { kind: "over_quota", of: "bytes", used, adds: bytes ?? 0, limit }),
  };
}

/** Refuses what cannot fit before anything of it is read. @throws {OciError} DENIED, 413 for more than the whole quota */
export async function requireBlobRoom(
  registry: Registry,
  repository: RepositoryName,
  digest: Digest | undefined,
  bytes: number | undefined,
): Promise<void> {
  const room = await findBlobRoom(registry, repository, digest);
  if (room.left === 0 ? bytes !== 0 : (bytes ?? 0) > room.left) throw room.refuse(bytes);
}

/** What a client reads whose push would pass the quota; 413 where even an empty repository could not take it. */
export function quotaIsFull(repository: RepositoryName, { of, used, adds, limit }: OverQuota): OciError {
  const detail = { repository, quota: `quota_${of}`, used, adds, limit };
  if (of === "bytes") {
    const tooLarge = adds > limit;
    const need = adds === 0 ? "" : `, and this needs ${formatSize(adds)}`;
    return new OciError("DENIED", {
      ...(tooLarge && { status: 413 }),
      message: tooLarge
        ? `Cannot push ${formatSize(adds)} to repository "${repository}": its whole quota is ${
          formatSize(limit)
        }`
        : `Cannot push to repository "${repository}": ${formatSize(used)} of its quota of ${
          formatSize(limit)
        } ` +
          `are used${need}; delete what is no longer needed, or ask for a larger quota_bytes`,
      detail,
    });
  }
  return new OciError("DENIED", {
    message:
      `Cannot push to repository "${repository}": ${used} of the ${limit} ${of} that its quota allows are there, ` +
      `and this needs ${adds} more; delete some, or ask for a larger quota_${of}`,
    detail,
  });
}
