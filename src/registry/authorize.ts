/** The one step before every operation: asks whether the caller may do it, words the refusal, and keeps the audit. */
import type { Caller } from "../core/caller.ts";
import { isIdentified } from "../core/identity.ts";
import { OciError } from "../core/oci_error.ts";
import type { Operation } from "../core/operation.ts";
import type { Verdict } from "../ports/authorization_hook.ts";
import { auditVerdict } from "./audit.ts";
import { blobUnknown } from "./pull.ts";
import type { Registry } from "./registry.ts";

/** Counted where nothing allowed it: what decides is named after places of rules and webhooks, none of which reads so. */
const NO_RULE = "no rule";

/**
 * Asks the hook and returns what may be done: the operation itself, or a plain upload where only the mount is refused,
 * since clients that try a mount on the off chance must be able to go on.
 *
 * @param existenceOnly the answer carries no text (HEAD), so a refused blob looks like one that is not there;
 * clients then go on to the upload, whose refusal they show
 * @throws {OciError} UNAUTHORIZED for a caller of whom nothing is known, else DENIED, both with the hook's reason;
 * BLOB_UNKNOWN
 */
export async function authorize(
  registry: Registry,
  caller: Caller,
  operation: Operation,
  existenceOnly: boolean,
): Promise<Operation> {
  const verdict = await registry.authorization.decide(caller, operation);
  auditVerdict(registry.audit, caller, operation, verdict);
  if (verdict.allowed) return operation;
  registry.metrics.counter("policy_denials_total", { decided_by: verdict.decidedBy ?? NO_RULE }).add();
  if (operation.action === "mount-blob") {
    const upload: Operation = { action: "start-upload", repository: operation.repository };
    return await authorize(registry, caller, upload, false);
  }
  if (operation.action === "get-blob" && existenceOnly) {
    throw blobUnknown(operation.repository, operation.digest);
  }
  throw refusal(caller, verdict);
}

/** True when the hook lets the caller do it; for look-ups that only narrow what is offered. */
export async function isAllowed(registry: Registry, caller: Caller, operation: Operation): Promise<boolean> {
  return (await registry.authorization.decide(caller, operation)).allowed;
}

/** Nobody in particular may come back as somebody; whoever is known already is told why not. */
function refusal({ identity }: Caller, { reason }: Verdict): OciError {
  return isIdentified(identity)
    ? new OciError("DENIED", { message: `Access denied: ${reason}` })
    : new OciError("UNAUTHORIZED", { message: `Authentication required: ${reason}` });
}
