/** Writes of the collection. Each asks again whether its object is garbage, inside the writer's transaction. */
import type { RepositoryName } from "../../core/repository_name.ts";
import type {
  GarbageLimits,
  GarbageRecord,
  Hold,
  OrphanedReferrer,
  RepositoryRemoval,
  TakenBlob,
  UnheldBlob,
  UnusedContent,
} from "../../ports/garbage.ts";
import { LifetimeCommands } from "./lifetime_commands.ts";

/** Pulls on record that go in one transaction. */
const PULLS_AT_ONCE = 200;

export class GarbageCommands extends LifetimeCommands {
  removeOrphans(
    orphans: readonly OrphanedReferrer[],
    { usedBefore, historySince }: GarbageLimits,
  ): OrphanedReferrer[] {
    return orphans.filter(({ repository, digest }) => {
      const id = this.findRepository(repository);
      if (id === undefined) return false;
      if (this.sql.takeOrphan.get(id, digest, usedBefore, historySince) === undefined) return false;
      this.sql.deleteReferences.run(id, digest);
      this.sql.deleteUnusedContent.run(digest, digest);
      return true;
    });
  }

  removeHolds(holds: readonly Hold[], usedBefore: number): { holds: Hold[]; blobs: TakenBlob[] } {
    const blobs: TakenBlob[] = [];
    const removed = holds.filter(({ repository, digest }) => {
      const id = this.findRepository(repository);
      if (id === undefined) return false;
      if (this.sql.takeUnusedHold.get(id, digest, usedBefore) === undefined) return false;
      const blob = this.sql.takeUnheldBlob.get(digest, digest) as Omit<TakenBlob, "digest"> | undefined;
      if (blob !== undefined) blobs.push({ digest, size: blob.size, file: blob.file });
      return true;
    });
    return { holds: removed, blobs };
  }

  removeUnheldBlobs(blobs: readonly UnheldBlob[], usedBefore: number): TakenBlob[] {
    return blobs.flatMap(({ digest }) => {
      const blob = this.sql.takeOldUnheldBlob.get(digest, usedBefore) as TakenBlob | undefined;
      return blob === undefined ? [] : [{ ...blob }];
    });
  }

  removeContents(contents: readonly UnusedContent[]): UnusedContent[] {
    return contents.filter(({ digest }) => this.sql.takeUnusedContent.get(digest) !== undefined);
  }

  removeRepository(repository: RepositoryName, usedBefore: number): RepositoryRemoval {
    const id = this.sql.emptyRepository.get(repository, usedBefore)?.id as number | undefined;
    if (id === undefined) return "stays";
    if (this.sql.deletePullsOf.run(id, PULLS_AT_ONCE).changes === PULLS_AT_ONCE) return "more";
    this.sql.deleteRepository.run(id);
    return "removed";
  }

  forgetGoneSubjects(before: number, limit: number): number {
    return Number(this.sql.forgetGoneSubjects.run(before, limit).changes);
  }

  writeCollectRecord({ record, lookedAt, noteBefore }: GarbageRecord): number | undefined {
    const { told } = this.sql.writeCollectRecord.get(record, lookedAt, noteBefore) as { told: number | null };
    this.noteBefore = noteBefore;
    return told ?? undefined;
  }
}
