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
  /** True where passwords or tokens of clients are accepted. */
  readonly takesCredentials: boolean;
  readonly behindProxy: boolean;
}

const ADDRESS = ["server", "bind_address"];

const OPEN = "others can reach this address, and there is neither encryption nor an access policy: " +
  'write "127.0.0.1", or add [server.tls] and [global.access_policy]';

const NOBODY = "No access policy is configured, so every request is refused: write [global.access_policy], " +
  "with default_allow = true to let everybody in";

/** Refuses what can only be a slip, and warns of the rest. */
export function checkExposure(exposure: Exposure, checking: Checking): void {
  const { bindAddress, globalPolicy } = exposure;
  const tables = [["global"], ...exposure.repositoryNames.map((name) => ["repository", name])];
  const hasPolicy = tables.some((table) => isSet(checking, [...table, "access_policy"]));
  if (!hasPolicy) checking.warnings.push(NOBODY);
  // An address that is not set, or that was refused, is read as the default.
  if (isLoopback(bindAddress)) return;

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
}
