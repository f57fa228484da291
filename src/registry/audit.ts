/** The audit: one log line for every write that was allowed and for everything that was refused. */
import type { Caller } from "../core/caller.ts";
import type { Identity } from "../core/identity.ts";
import type { Action, Operation } from "../core/operation.ts";
import { formatReference } from "../core/reference.ts";
import type { Verdict } from "../ports/authorization_hook.ts";
import type { Log, LogFields } from "../ports/log.ts";

/** Operations that change nothing; all others are written down when they are allowed. */
const READS: ReadonlySet<Action> = new Set<Action>([
  "get-api-version",
  "get-token",
  "get-manifest",
  "get-blob",
  "get-upload",
  "get-referrers",
  "list-tags",
  "list-catalog",
]);

/** Writes the line, where there is one to write. Holds who, what, what decided, and the request's id. */
export function auditVerdict(log: Log, caller: Caller, operation: Operation, verdict: Verdict): void {
  if (verdict.allowed && READS.has(operation.action)) return;
  log.info("audit", {
    request: caller.request.id,
    verdict: verdict.allowed ? "allowed" : "denied",
    ...describeOperation(operation),
    reason: verdict.reason,
    ...(verdict.decidedBy !== undefined && { decided_by: verdict.decidedBy }),
    ...describeIdentity(caller.identity),
  });
}

function describeOperation(operation: Operation): LogFields {
  const { action, ...rest } = operation;
  const reference = "reference" in operation ? { reference: formatReference(operation.reference) } : {};
  return { action, ...rest, ...reference };
}

function describeIdentity({ clientIp, id, username, certificate }: Identity): LogFields {
  return {
    client_ip: clientIp,
    ...(username !== "" && { username, identity: id }),
    ...(certificate !== undefined && {
      certificate: {
        common_names: certificate.commonNames,
        organizations: certificate.organizations,
        serial: certificate.serial,
        fingerprint: certificate.fingerprint,
      },
    }),
  };
}
