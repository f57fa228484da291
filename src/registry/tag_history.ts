/** The history of a tag: what it named and when, and the way back. */
import type { Digest } from "../core/digest.ts";
import { OciError } from "../core/oci_error.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { TagChange } from "../ports/metadata_store.ts";
import { tagIsImmutable } from "./immutable_tags.ts";
import { manifestUnknown } from "./pull.ts";
import { quotaIsFull } from "./quota.ts";
import type { Registry } from "./registry.ts";

/** As much of a registry as tags take. */
type TagRegistry = Pick<Registry, "metadata" | "clock" | "rulesOf">;

export interface TagHistory {
  /** What the tag names now; undefined where it is deleted. */
  readonly current: Digest | undefined;
  /** Newest first. */
  readonly changes: readonly TagChange[];
  /** The id to ask on with; undefined at the end. */
  readonly next: number | undefined;
}

/**
 * Changes of a tag within the time that `tag_history` keeps them.
 *
 * @throws {OciError} MANIFEST_UNKNOWN for a tag that is not there and of which nothing is remembered
 */
export async function listTagHistory(
  registry: TagRegistry,
  repository: RepositoryName,
  tag: Tag,
  page: { readonly before?: number; readonly limit: number },
): Promise<TagHistory> {
  const changes = await registry.metadata.listTagHistory(repository, tag, { ...page, limit: page.limit + 1 });
  const manifest = await registry.metadata.findManifest(repository, { kind: "tag", tag });
  if (manifest === undefined && changes.length === 0 && page.before === undefined) {
    throw manifestUnknown(repository, { kind: "tag", tag });
  }
  const more = changes.length > page.limit;
  if (more) changes.pop();
  return { current: manifest?.digest, changes, next: more ? changes.at(-1)?.id : undefined };
}

/**
 * Lets a tag name a manifest again that it named before; gives what it named until now.
 *
 * @throws {OciError} MANIFEST_UNKNOWN when it never named it or the manifest is gone, DENIED for an immutable tag (409)
 * and over the quota
 */
export async function restoreTag(
  registry: TagRegistry,
  repository: RepositoryName,
  tag: Tag,
  digest: Digest,
): Promise<Digest | undefined> {
  const rules = registry.rulesOf(repository);
  const outcome = await registry.metadata.restoreTag({
    repository,
    tag,
    digest,
    immutable: rules.isImmutable(tag),
    quota: rules.quota,
    at: registry.clock.now(),
  });
  switch (outcome.kind) {
    case "restored":
      return outcome.previous;
    case "unknown":
      throw new OciError("MANIFEST_UNKNOWN", {
        message:
          `Cannot restore tag "${tag}" of repository "${repository}" to ${digest}: its history does not hold that it named it`,
      });
    case "manifest_gone":
      throw new OciError("MANIFEST_UNKNOWN", {
        message: `Cannot restore tag "${tag}" of repository "${repository}" to ${digest}: ` +
          "the manifest was deleted since; push it again",
      });
    case "tag_immutable":
      throw tagIsImmutable(repository, tag, outcome.current, digest);
    case "over_quota":
      throw quotaIsFull(repository, outcome);
  }
}
