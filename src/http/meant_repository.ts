/** Puts the repository that a request means in place of the one that it names: `?ns=`, and names without a prefix. */
import { repositoryOfName, repositoryOfRegistry, type StandIns } from "../registry/stand_ins.ts";
import type { HttpRequest } from "./message.ts";
import type { Route } from "./route.ts";
import { queryValue } from "./target.ts";

export interface MeantRoute {
  readonly route: Route;
  /** The registry that the repository was found by, as the client wrote it; undefined where it was not. */
  readonly registry: string | undefined;
}

/**
 * Policies judge what is meant. `ns` chooses among what is configured, and only for pulls; a client that names this
 * registry with it means the names as they are (distribution-spec "Registry Proxying").
 *
 * @throws {OciError} NAME_UNKNOWN, REQUEST_INVALID
 */
export function findMeantRepository(
  standIns: StandIns,
  request: HttpRequest,
  route: Route,
  query: string,
): MeantRoute {
  switch (route.action) {
    case "get-manifest":
    case "get-blob":
    case "list-tags":
    case "get-referrers": {
      const registry = queryValue(query, "ns");
      if (registry === undefined || registry === "" || isThisOne(request, registry)) break;
      const repository = repositoryOfRegistry(standIns, registry, route.repository);
      return { route: { ...route, repository }, registry };
    }
    case "put-manifest":
    case "delete-manifest":
    case "delete-blob":
    case "start-upload":
    case "mount-blob":
    case "get-upload":
    case "update-upload":
    case "complete-upload":
    case "cancel-upload":
      break;
    default:
      return { route, registry: undefined };
  }
  const repository = repositoryOfName(standIns, route.repository);
  return { route: repository === route.repository ? route : { ...route, repository }, registry: undefined };
}

function isThisOne(request: HttpRequest, registry: string): boolean {
  return registry.toLowerCase() === request.headers.get("host")?.toLowerCase();
}
