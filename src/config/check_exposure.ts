/** Judges who can reach the registry, and what would keep them out. */
import type { PolicySource } from "../policy/rule_source.ts";
import { type Checking, isSet, noteMissing } from "./checking.ts";
import { isLoopback } from "./is_loopback.ts";

export interface Exposure {
  readonly bindAddress: string;
  readonly globalPolicy: PolicySource | undefined;
  readonly repositoryNames: readonly string[];
  /** True where somebody else is asked too: a webhook, or the handshake that requires a certificate. */
  readonly guarded: boolean;
  /** True where anything at all tells callers apart: client CAs, passwords, tokens or webhooks. */
  readonly knowsCallers: boolean;
  /** True where passwords or tokens of clients are accepted. */
  readonly takesCredentials: boolean;
  readonly behindProxy: boolean;
}

const ADDRESS = ["server", "bind_address"];

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

/** Refuses what can only be a slip, and warns of the rest. Gives the global policy that holds. */
export function checkExposure(exposure: Exposure, checking: Checking): PolicySource | undefined {
  const { bindAddress, globalPolicy } = exposure;
  const tables = [["global"], ...exposure.repositoryNames.map((name) => ["repository", name])];
  const hasPolicy = tables.some((table) => isSet(checking, [...table, "access_policy"]));
  // An address that is not set, or that was refused, is read as the default.
  const loopback = isLoopback(bindAddress);
  if (!hasPolicy && loopback && !exposure.knowsCallers) {
    checking.warnings.push(OPEN_ON_LOOPBACK);
    return ALLOW_EVERYTHING;
  }
  if (!hasPolicy) checking.warnings.push(NOBODY);
  if (loopback) return globalPolicy;

  const encrypted = isSet(checking, ["server", "tls"]);
  if (!encrypted && !hasPolicy) noteMissing(checking, ADDRESS, OPEN);
  const opens = globalPolicy !== undefined && globalPolicy.defaultAllow && globalPolicy.rules.length === 0;
  if (opens && !exposure.guarded) {
    checking.warnings.push(
      `Listening on ${bindAddress} with an access policy that allows everything: ` +
        "everybody who reaches it can pull, push and delete",
    );
  }
  if (!encrypted && exposure.takesCredentials && !exposure.behindProxy) {
    checking.warnings.push(
      `Listening on ${bindAddress} without [server.tls]: passwords and tokens travel where others can read them`,
    );
  }
  return globalPolicy;
}
