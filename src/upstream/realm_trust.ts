/** Whether a token service that an upstream names may be asked, and be shown the credentials of the upstream. */
import { isIP } from "node:net";

/** Second labels under which names of different owners stand, in countries that have them: `example.co.uk`. */
const SHARED_LABELS = new Set(["ac", "co", "com", "edu", "gov", "mil", "ne", "net", "or", "org"]);

/**
 * True for a realm of the same origin, for one of the same site over https, and for one that is listed. A realm over
 * plain http is trusted only where the upstream itself is.
 *
 * @param listed `host` or `host:port`, in lower case
 */
export function isTrustedRealm(realm: URL, upstream: URL, listed: readonly string[]): boolean {
  if (realm.username !== "" || realm.password !== "") return false;
  if (realm.origin === upstream.origin) return true;
  if (realm.protocol !== "https:" && !(realm.protocol === "http:" && upstream.protocol === "http:")) {
    return false;
  }
  if (listed.includes(realm.hostname) || listed.includes(hostAndPort(realm))) return true;
  return realm.protocol === "https:" && upstream.protocol === "https:" &&
    siteOf(realm.hostname) === siteOf(upstream.hostname);
}

function hostAndPort({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port || (protocol === "https:" ? "443" : "80")}`;
}

/**
 * What one owner has registered, as near as that can be told without a list of all registries of names; an address, a
 * bare name, and where more than one owner might be meant, the whole.
 */
function siteOf(hostname: string): string {
  const labels = hostname.split(".");
  if (labels.length < 3 || isIP(hostname.replace(/^\[|\]$/g, "")) !== 0) return hostname;
  const shared = labels.at(-1)!.length === 2 && SHARED_LABELS.has(labels.at(-2)!);
  return labels.slice(shared ? -3 : -2).join(".");
}
