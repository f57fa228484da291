/** The audit: one log line for every write that was allowed and for everything that was refused. */
import type { Caller } from "../core/caller.ts";
import type { Identity } from "../core/identity.ts";
import type { Action, Operation } from "../core/operation.ts";
import { formatReference, type Reference } from "../core/reference.ts";
import type { Verdict } from "../ports/authorization_hook.ts";
import type { Log, LogFields } from "../ports/log.ts";

/** Operations that change nothing; all others are written down when they are allowed. */
const READS: ReadonlySet<Action> = new Set<Action>([
  "get-api-version",
  "get-token",
  "metrics",
  "get-manifest",
  "get-blob",
  "get-upload",
  "get-referrers",
  "list-tags",
  "list-catalog",
  "list-repositories",
  "list-namespaces",
  "list-revisions",
  "list-uploads",
  "list-pulls",
  "list-tag-history",
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

/** Writes the line for a request that was refused before it was known who sent it. */
export function auditStranger(
  log: Log,
  requestId: string,
  peerAddress: string,
  operation: Operation,
  reason: string,
): void {
  log.info("audit", {
    request: requestId,
    verdict: "denied",
    ...describeOperation(operation),
    reason,
    method: "none",
    peer: peerAddress,
  });
}

function describeOperation(operation: Operation): LogFields {
  const { action, ...rest } = operation;
  const { sessionId, reference, ...others } = rest as typeof rest & {
    sessionId?: string;
    reference?: Reference;
  };
  return {
    action,
    ...others,
    ...(reference !== undefined && { reference: formatReference(reference) }),
    ...(sessionId !== undefined && { session_id: sessionId }),
  };
}

function describeIdentity({ clientIp, id, username, certificate }: Identity): LogFields {
  const methods = [
    ...(certificate === undefined ? [] : ["certificate"]),
    ...(username === "" ? [] : ["user"]),
  ];
  return {
    method: methods.join("+") || "none",
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
