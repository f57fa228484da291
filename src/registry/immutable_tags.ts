/** Immutable tags: which of a push's tags must not move, and what may not be deleted because of one. */
import type { Digest } from "../core/digest.ts";
import { OciError } from "../core/oci_error.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import { letOthersRun } from "./let_others_run.ts";
import type { Registry } from "./registry.ts";

/** Tags of one manifest looked at in one step of its deletion. */
const TAGS_AT_ONCE = 1000;

/** Indexes above one manifest that are looked at; each takes a look-up or two. */
const MOST_INDEXES = 1000;

/** Tries of a deletion while pushes go on tagging the manifest. */
const MOST_TRIES = 10;

/** What a client reads whose push would move an immutable tag. */
export function tagIsImmutable(
  repository: RepositoryName,
  tag: Tag,
  names: Digest,
  pushed: Digest,
): OciError {
  return new OciError("DENIED", {
    status: 409,
    message: `Cannot push tag "${tag}" of repository "${repository}": it is immutable and names ${names}, ` +
      `this push would make it name ${pushed}; push under another tag`,
    detail: { tag, current: names, pushed },
  });
}

/** What a client reads that wants to delete an immutable tag, or a manifest that one names. */
export function deletionIsRefused(repository: RepositoryName, what: string, tag: Tag): OciError {
  return new OciError("DENIED", {
    status: 409,
    message: `Cannot delete ${what} of repository "${repository}": tag "${tag}" is immutable, ` +
      "and allow_delete_immutable is not set",
    detail: { tag },
  });
}

/** True for a tag that must not be deleted, whatever it names. */
export function mustStay(registry: Registry, repository: RepositoryName, tag: Tag): boolean {
  const rules = registry.rulesOf(repository);
  return !rules.allowsDeletingImmutable && rules.isImmutable(tag);
}

/**
 * Deletes a manifest with its tags unless one of them must stay, or one of an index that it is part of: without it the
 * image of that tag could not be pulled any more. The tags that were looked at go with the deletion, so
 * that one which comes in between stops it.
 *
 * @throws {OciError} DENIED (409), UNAVAILABLE when tags keep coming in between
 */
export async function deleteUnlessImmutable(
  registry: Registry,
  repository: RepositoryName,
  digest: Digest,
): Promise<boolean> {
  const at = registry.clock.now();
  if (registry.rulesOf(repository).allowsDeletingImmutable) {
    return (await registry.metadata.deleteManifest(repository, digest, at)).kind === "deleted";
  }
  await requireNoneAbove(registry, repository, digest);
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const tags = await findTagsOf(registry, repository, digest);
    refuseIfOneStays(registry, repository, digest, tags);
    const deletion = await registry.metadata.deleteManifest(repository, digest, at, tags);
    if (deletion.kind !== "tagged") return deletion.kind === "deleted";
  }
  throw new OciError("UNAVAILABLE", {
    cause: new Error(`manifest ${digest} of repository "${repository}" is tagged again and again`),
  });
}

/** @throws {OciError} DENIED (409) where an index above the manifest has an immutable tag, or more are above than are looked at */
async function requireNoneAbove(
  registry: Registry,
  repository: RepositoryName,
  digest: Digest,
): Promise<void> {
  // Grows while it is walked: first the manifest itself, then what was found above.
  const walked = new Set([digest]);
  for (const part of walked) {
    for (const index of await registry.metadata.listManifestsWith(repository, part, MOST_INDEXES + 1)) {
      if (walked.has(index)) continue;
      walked.add(index);
      if (walked.size > MOST_INDEXES + 1) throw hasTooManyAbove(repository, digest);
      refuseIfOneStays(registry, repository, digest, await findTagsOf(registry, repository, index));
    }
    await letOthersRun();
  }
}

function refuseIfOneStays(
  registry: Registry,
  repository: RepositoryName,
  digest: Digest,
  tags: readonly Tag[],
): void {
  const staying = tags.find((tag) => registry.rulesOf(repository).isImmutable(tag));
  if (staying !== undefined) throw deletionIsRefused(repository, `manifest ${digest}`, staying);
}

function hasTooManyAbove(repository: RepositoryName, digest: Digest): OciError {
  return new OciError("DENIED", {
    status: 409,
    message:
      `Cannot delete manifest ${digest} of repository "${repository}": more than ${MOST_INDEXES} indexes hold it, ` +
      "and some may have immutable tags; delete indexes that are no longer needed first",
  });
}

async function findTagsOf(registry: Registry, repository: RepositoryName, digest: Digest): Promise<Tag[]> {
  const tags: Tag[] = [];
  while (true) {
    const after = tags.at(-1);
    const page = await registry.metadata.listTagsOf(repository, digest, {
      limit: TAGS_AT_ONCE,
      ...(after !== undefined && { after }),
    });
    tags.push(...page);
    if (page.length < TAGS_AT_ONCE) return tags;
  }
}
