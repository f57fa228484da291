/** The upstreams of a mirror: asked in their order, each by the names that it uses itself. */
import { parseRepositoryName, type RepositoryName } from "../core/repository_name.ts";
import { UpstreamFault } from "../core/upstream_fault.ts";
import type { Upstream } from "../ports/upstream.ts";
import type { MirrorRules } from "./repository_rules.ts";

/** A repository of another registry. */
export interface RemoteRepository {
  readonly upstream: Upstream;
  /** As the upstream calls it. */
  readonly name: RepositoryName;
}

/** What a mirror pulls from, for one of its repositories. */
export interface MirrorSource {
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
