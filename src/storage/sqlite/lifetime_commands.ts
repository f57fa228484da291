/** Writes about how long content lives: the way back of a tag, pulls, retention. Each runs inside the writer's transaction. */
import type { Digest } from "../../core/digest.ts";
import type { RepositoryName } from "../../core/repository_name.ts";
import type { Tag } from "../../core/tag.ts";
import type { ManifestGroup, TagRemoval } from "../../ports/inventory.ts";
import type { Pull, TagRestore, TagRestoreOutcome } from "../../ports/metadata_store.ts";
import { CommandBase } from "./command_base.ts";

export class LifetimeCommands extends CommandBase {
  restoreTag({ repository, tag, digest, immutable, quota, at }: TagRestore): TagRestoreOutcome {
    const id = this.findRepository(repository);
    if (id === undefined || this.sql.namedBefore.get(id, tag, digest) === undefined) {
      return { kind: "unknown" };
    }
    if (this.sql.manifest.get(id, digest) === undefined) return { kind: "manifest_gone" };
    const current = this.sql.tag.get(id, tag)?.digest as Digest | undefined;
    if (immutable && current !== undefined && current !== digest) return { kind: "tag_immutable", current };
    const over = current === undefined ? this.checkQuota(id, quota, { tags: 1 }) : undefined;
    if (over !== undefined) return over;
    this.noteTime(at);
    this.moveTag(id, tag, digest, at);
    return { kind: "restored", previous: current };
  }

  pruneTagHistory(before: number, limit: number): number {
    return Number(this.sql.pruneHistory.run(before, limit).changes);
  }

  recordPulls(pulls: readonly Pull[]): void {
    for (const { repository, digest, tag, client, at } of pulls) {
      const id = this.findRepository(repository);
      if (id === undefined || this.sql.notePullOfManifest.run(id, digest, at).changes === 0) continue;
      this.noteTime(at);
      if (tag !== undefined) this.sql.notePullOfTag.run(id, tag, at);
      this.sql.putPull.run(id, digest, tag ?? "", client, at);
      this.sql.forgetOldPulls.run(id, digest, tag ?? "");
    }
  }

  prunePulls(before: number, limit: number): number {
    return Number(this.sql.prunePulls.run(before, limit).changes);
  }

  removeTags(repository: RepositoryName, removals: readonly TagRemoval[], at: number): Tag[] {
    const id = this.findRepository(repository);
    if (id === undefined) return [];
    this.noteTime(at);
    return removals.filter(({ tag, digest, pushedAt, pulls }) => {
      if (this.sql.takeTagAsItWas.get(id, tag, digest, pushedAt, pulls ?? null) === undefined) return false;
      this.sql.putHistory.run(id, tag, null, digest, at);
      return true;
    }).map(({ tag }) => tag);
  }

  removeManifests({ repository, manifests, historySince }: ManifestGroup): boolean {
    const id = this.findRepository(repository);
    if (id === undefined) return false;
    const group = new Set<string>(manifests.map(({ digest }) => digest));
    for (const manifest of manifests) {
      if (!this.#mayGo(id, manifest, historySince, group)) return false;
    }
    for (const { digest } of manifests) {
      this.sql.takeManifest.get(id, digest);
      this.sql.deleteReferences.run(id, digest);
      this.sql.deleteUnusedContent.run(digest, digest);
    }
    return true;
  }

  /** True when the manifest is as it was, and nothing outside of the group leads to it. */
  #mayGo(
    repository: number,
    { digest, pushedAt, pulledAt }: ManifestGroup["manifests"][number],
    historySince: number,
    group: ReadonlySet<string>,
  ): boolean {
    const row = this.sql.manifestFacts.get(repository, digest) as
      | { pushed_at: number; pulled_at: number | null; subject: Digest | null }
      | undefined;
    if (row?.pushed_at !== pushedAt || row.pulled_at !== (pulledAt ?? null)) return false;
    if (this.sql.tagsOf.get(repository, digest) !== undefined) return false;
    if (this.sql.restorable.get(repository, digest, historySince) !== undefined) return false;
    const { subject } = row;
    if (subject !== null && !group.has(subject) && this.sql.manifest.get(repository, subject) !== undefined) {
      return false;
    }
    const parents = this.sql.parents.all(repository, digest).map(({ manifest }) => manifest as string);
    const referrers = this.sql.referrersOf.all(repository, digest).map((each) => each.digest as string);
    return [...parents, ...referrers].every((other) => group.has(other));
  }
}
