/** What the writer's commands share: statements, ids of repositories, moves of tags, quotas. */
import type { DatabaseSync } from "node:sqlite";
import type { Digest } from "../../core/digest.ts";
import type { RepositoryName } from "../../core/repository_name.ts";
import type { Tag } from "../../core/tag.ts";
import type { OverQuota, Quota } from "../../ports/metadata_store.ts";
import { prepareWriteStatements, type WriteStatements } from "./write_statements.ts";

export class CommandBase {
  protected readonly sql: WriteStatements;
  /** ms since the epoch; see `Garbage.writeRecord()`. */
  protected noteBefore: number;

  constructor(database: DatabaseSync) {
    this.sql = prepareWriteStatements(database);
    this.noteBefore = (this.sql.noteBefore.get()?.note_before ?? -Infinity) as number;
  }

  /** To be told of every time that is written down and by which the collection judges. */
  protected noteTime(at: number): void {
    if (at < this.noteBefore) this.sql.noteTime.run(at);
  }

  /** @param adds what would come in addition; of what nothing is added, a quota that is passed already does not count */
  protected checkQuota(
    repository: number | undefined,
    quota: Quota | undefined,
    adds: Partial<Record<keyof Quota, number>>,
  ): OverQuota | undefined {
    if (quota === undefined) return undefined;
    const usage = repository === undefined ? undefined : this.sql.usage.get(repository);
    for (const [of, added] of Object.entries(adds) as [keyof Quota, number][]) {
      const used = (usage?.[of] ?? 0) as number;
      const limit = quota[of];
      if (limit !== undefined && used + added > limit) {
        return { kind: "over_quota", of, used, adds: added, limit };
      }
    }
    return undefined;
  }

  protected moveTag(repository: number, tag: Tag, digest: Digest, at: number): void {
    const previous = this.sql.tag.get(repository, tag)?.digest as Digest | undefined;
    this.sql.putTag.run(repository, tag, digest, at);
    if (previous !== digest) this.sql.putHistory.run(repository, tag, digest, previous ?? null, at);
  }

  protected findRepository(name: RepositoryName): number | undefined {
    return this.sql.repository.get(name)?.id as number | undefined;
  }

  protected ensureRepository(name: RepositoryName, at: number): number {
    return this.findRepository(name) ?? this.sql.insertRepository.get(name, at)!.id as number;
  }
}
