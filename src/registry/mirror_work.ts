/** What the parts of a mirror work with. */
import type { RepositoryName } from "../core/repository_name.ts";
import type { MirrorSource } from "./mirror_source.ts";
import type { Registry } from "./registry.ts";

export class MirrorWork {
  readonly registry: Registry;
  /** undefined for a repository that is no mirror. */
  readonly sourceOf: (repository: RepositoryName) => MirrorSource | undefined;

  constructor(registry: Registry, sourceOf: (repository: RepositoryName) => MirrorSource | undefined) {
    this.registry = registry;
    this.sourceOf = sourceOf;
  }

  /** The source of a mirror that may ask; undefined also for one that is offline. */
  openSource(repository: RepositoryName): MirrorSource | undefined {
    const source = this.sourceOf(repository);
    return source?.rules.offline === true ? undefined : source;
  }
}
