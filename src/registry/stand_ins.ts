/** Which repository a name means: some stand for another registry, one may stand for all names without a prefix. */
import { OciError } from "../core/oci_error.ts";
import { quote } from "../core/quote.ts";
import { parseRepositoryName, type RepositoryName } from "../core/repository_name.ts";

export interface StandIns {
  /** The repository whose content is that of a registry, by `host[:port]` in lower case. */
  readonly byRegistry: ReadonlyMap<string, RepositoryName>;
  /** Holds everything that no settings cover. */
  readonly unprefixed: RepositoryName | undefined;
  readonly isCovered: (name: RepositoryName) => boolean;
}

/** Every name means itself. */
export const NO_STAND_INS: StandIns = {
  byRegistry: new Map(),
  unprefixed: undefined,
  isCovered: () => false,
};

/**
 * The repository of a registry: `library/alpine` of docker.io is `dockerhub/library/alpine` here.
 *
 * @throws {OciError} NAME_UNKNOWN where nothing stands for the registry: what is here under the same name is something else
 */
export function repositoryOfRegistry(
  standIns: StandIns,
  registry: string,
  name: RepositoryName,
): RepositoryName {
  // Of ASCII only: other letters have small ones in it too, and no answer could say in its header what was asked for.
  const prefix = standIns.byRegistry.get(registry.replace(/[A-Z]+/g, (letters) => letters.toLowerCase()));
  if (prefix !== undefined) return parseRepositoryName(`${prefix}/${name}`);
  throw new OciError("NAME_UNKNOWN", {
    message: `No repository here stands for registry ${quote(registry)}, so there is no ${name} of it`,
  });
}

/** The repository that a name alone means. @throws {OciError} NAME_INVALID when it would be too long with its prefix */
export function repositoryOfName(standIns: StandIns, name: RepositoryName): RepositoryName {
  return standIns.unprefixed === undefined || standIns.isCovered(name)
    ? name
    : parseRepositoryName(`${standIns.unprefixed}/${name}`);
}
