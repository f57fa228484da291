/** Repositories of other registries as people write them: `docker.io/library/alpine`, `registry.example.com:5000/app`. */
import { isRepositoryName, type RepositoryName } from "./repository_name.ts";
import { parseReference, type Reference } from "./reference.ts";

export interface RemoteRepositoryName {
  /** `http[s]://host[:port]` of the registry. */
  readonly origin: string;
  /** Host in lower case, with the port where it is written. */
  readonly host: string;
  readonly repository: RepositoryName;
}

const HOST = /^(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?)(?::[0-9]{1,5})?$/i;

/**
 * Reads `[http[s]://]HOST[:PORT]/REPOSITORY`; undefined for anything else. The first part is a host when it has a "." or a
 * ":", or is "localhost", as docker has it, or when a scheme stands before it.
 */
export function parseRemoteRepositoryName(text: string): RemoteRepositoryName | undefined {
  const [, scheme, rest] = /^(https?:\/\/)?(.{1,600})$/.exec(text) ?? [];
  const slash = rest?.indexOf("/") ?? -1;
  if (rest === undefined || slash < 0) return undefined;
  const [host, repository] = [rest.slice(0, slash).toLowerCase(), rest.slice(slash + 1)];
  const isHost = scheme !== undefined || /[.:]/.test(host) || host === "localhost";
  if (!isHost || !HOST.test(host) || !isRepositoryName(repository)) return undefined;
  return { origin: `${scheme ?? "https://"}${host}`, host, repository };
}

/**
 * The same with `:TAG` or `@DIGEST` behind it.
 *
 * @throws {OciError} for a tag or digest that is none
 */
export function parseRemoteReference(
  text: string,
): RemoteRepositoryName & { readonly reference: Reference | undefined } | undefined {
  const at = text.indexOf("@");
  const colon = text.lastIndexOf(":");
  // A colon before the last slash is that of a port or of a scheme.
  const end = at >= 0 ? at : colon > text.lastIndexOf("/") ? colon : text.length;
  const name = parseRemoteRepositoryName(text.slice(0, end));
  if (name === undefined) return undefined;
  return { ...name, reference: end === text.length ? undefined : parseReference(text.slice(end + 1)) };
}
