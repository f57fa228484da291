/** Judges who can reach the registry, and what would keep them out. */
import type { PolicySource } from "../policy/rule_source.ts";
import { type Checking, isSet, noteMissing } from "./checking.ts";
import { isOutOfReach, type ReadListener } from "./read_listeners.ts";
import type { ListenAddress, ListenerSettings } from "./settings.ts";

export interface Exposure {
  readonly listeners: readonly ReadListener[];
  readonly globalPolicy: PolicySource | undefined;
  readonly repositoryNames: readonly string[];
  /** True where a webhook is asked too. */
  readonly asksWebhook: boolean;
  /** True where a handshake requires a certificate. */
  readonly certificateRequired: boolean;
  /** True where anything at all tells callers apart: client CAs, passwords, tokens or webhooks. */
  readonly knowsCallers: boolean;
  /** True where passwords or tokens of clients are accepted. */
  readonly takesCredentials: boolean;
  readonly behindProxy: boolean;
}

const OPEN = "others can reach this address, and there is neither encryption nor an access policy: " +
  'write "127.0.0.1", or add [server.tls] and [global.access_policy]';

const NOBODY =
  "No access policy is configured, so every request is refused: write [global.access_policy] with " +
  "rules that allow some (or default_allow = true, which lets everybody in)";

const OPEN_ON_LOOPBACK =
  "No access control is configured: everybody on this machine may pull, push and delete. " +
  "The first access policy, password, client CA or webhook ends that";

/** What holds where nothing of access control is configured and nobody from outside can reach the registry. */
const ALLOW_EVERYTHING: PolicySource = { defaultAllow: true, rules: [], file: "", line: 0 };

/** Refuses what can only be a slip, and warns of the rest. Gives the global policy that holds, and the listeners. */
export function checkExposure(
  exposure: Exposure,
  checking: Checking,
): { readonly policy: PolicySource | undefined; readonly listeners: readonly ListenerSettings[] } {
  const { globalPolicy, listeners } = exposure;
  const tables = [["global"], ...exposure.repositoryNames.map((name) => ["repository", name])];
  const hasPolicy = tables.some((table) => isSet(checking, [...table, "access_policy"]));
  const settings = listeners.map(({ path: _, ...listener }) => ({
    ...listener,
    mustStayLocal: !listener.tls && !hasPolicy,
  }));
  // An address that is not set, or that was refused, is read as the default.
  const reachable = listeners.filter(({ at }) => !isOutOfReach(at));
  if (!hasPolicy && reachable.length === 0 && !exposure.knowsCallers) {
    checking.warnings.push(OPEN_ON_LOOPBACK);
    // Nobody else must ever get in by that, encrypted or not.
    return {
      policy: ALLOW_EVERYTHING,
      listeners: settings.map((each) => ({ ...each, mustStayLocal: true })),
    };
  }
  if (!hasPolicy) checking.warnings.push(NOBODY);
  for (const listener of reachable) warnOf(listener, exposure, hasPolicy, checking);
  if (exposure.certificateRequired) warnOfPlain(listeners, checking);
  return { policy: globalPolicy, listeners: settings };
}

function warnOf(
  { at, tls, path }: ReadListener,
  { globalPolicy, asksWebhook, certificateRequired, takesCredentials, behindProxy }: Exposure,
  hasPolicy: boolean,
  checking: Checking,
): void {
  const place = showPlace(at);
  if (!tls && !hasPolicy) noteMissing(checking, path, OPEN);
  const opens = globalPolicy !== undefined && globalPolicy.defaultAllow && globalPolicy.rules.length === 0;
  if (opens && !asksWebhook && !(certificateRequired && tls)) {
    checking.warnings.push(
      `Listening on ${place} with an access policy that allows everything: ` +
        "everybody who reaches it can pull, push and delete",
    );
  }
  if (!tls && takesCredentials && !behindProxy) {
    checking.warnings.push(
      `Listening on ${place} without [server.tls]: passwords and tokens travel where others can read them`,
    );
  }
}

function warnOfPlain(listeners: readonly ReadListener[], checking: Checking): void {
  for (const { at, tls, serves } of listeners) {
    if (tls || serves === "metrics") continue;
    checking.warnings.push(
      `Listening on ${
        showPlace(at)
      } without TLS: nobody shows a certificate there, whatever client_auth requires; ` +
        "the policies alone decide",
    );
  }
}

/** Without the port: who can connect does not depend on it. */
function showPlace(at: ListenAddress): string {
  return at.kind === "unix" ? at.path : at.host;
}
