/** The upstreams of a mirror: asked in their order, each by the names that it uses itself. */
import { parseRepositoryName, type RepositoryName } from "../core/repository_name.ts";
import { UpstreamFault } from "../core/upstream_fault.ts";
import type { Upstream } from "../ports/upstream.ts";
import type { MirrorRules } from "./repository_rules.ts";
import { WorkRoom } from "./work_room.ts";

/** A repository of another registry. */
export interface RemoteRepository {
  readonly upstream: Upstream;
  /** As the upstream calls it. */
  readonly name: RepositoryName;
}

/**
 * Requests of one mirror at a time, downloads of blobs apart from all others: together fewer than the connections to one
 * host, so that a request never waits in line for one and is taken for a host that does not answer. A mirror whose
 * upstream is slow leaves the others their room.
 */
const MOST_DOWNLOADS = 40;
const MOST_QUESTIONS = 20;

/** The room that the repositories of one mirror share. */
export interface MirrorRoom {
  readonly downloads: WorkRoom;
  readonly questions: WorkRoom;
}

export function makeMirrorRoom(): MirrorRoom {
  return { downloads: new WorkRoom(MOST_DOWNLOADS), questions: new WorkRoom(MOST_QUESTIONS) };
}

/** What a mirror pulls from, for one of its repositories. */
export interface MirrorSource extends MirrorRoom {
  readonly rules: MirrorRules;
  /** At least one, in the order in which they are asked. */
  readonly remotes: readonly RemoteRepository[];
}

/**
 * What an upstream calls a repository: `dockerhub/library/nginx` of the mirror `dockerhub` is `library/nginx`, behind the
 * path of the upstream's URL where it has one. The mirror itself is that path, else it has its own name.
 *
 * @param path without slashes at its ends; "" for none
 * @throws {OciError} NAME_INVALID when the result is no name of a repository
 */
export function remoteNameOf(
  mirror: RepositoryName,
  path: string,
  repository: RepositoryName,
): RepositoryName {
  const below = repository === mirror ? "" : repository.slice(mirror.length + 1);
  const parts = [path, below].filter((part) => part !== "");
  return parseRepositoryName(parts.length === 0 ? mirror : parts.join("/"));
}

/**
 * The answer of the first upstream that has what is asked for, undefined when none of them has.
 *
 * @throws {UpstreamFault} when none has it and one could not say
 */
export async function askInOrder<T>(
  { remotes }: MirrorSource,
  ask: (remote: RemoteRepository) => Promise<T | undefined>,
): Promise<T | undefined> {
  let fault: unknown;
  for (const remote of remotes) {
    try {
      const answer = await ask(remote);
      if (answer !== undefined) return answer;
    } catch (thrown) {
      if (!(thrown instanceof UpstreamFault)) throw thrown;
      fault ??= thrown;
    }
  }
  if (fault !== undefined) throw fault;
  return undefined;
}
