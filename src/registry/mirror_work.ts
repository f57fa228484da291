/** What the parts of a mirror work with. */
import type { RepositoryName } from "../core/repository_name.ts";
import type { MirrorSource } from "./mirror_source.ts";
import type { Registry } from "./registry.ts";
import { WorkRoom } from "./work_room.ts";

/**
 * Requests to upstreams at a time, downloads of blobs apart from all others: together fewer than the connections to one
 * host, so that a request never waits in line for one and is taken for a host that does not answer.
 */
const MOST_DOWNLOADS = 40;
const MOST_QUESTIONS = 20;

export class MirrorWork {
  readonly registry: Registry;
  /** undefined for a repository that is no mirror. */
  readonly sourceOf: (repository: RepositoryName) => MirrorSource | undefined;
  readonly downloads = new WorkRoom(MOST_DOWNLOADS);
  readonly questions = new WorkRoom(MOST_QUESTIONS);

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
