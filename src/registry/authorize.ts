/** The one step before every operation: asks whether the caller may do it, and words the refusal. */
import type { Identity } from "../core/identity.ts";
import { OciError } from "../core/oci_error.ts";
import type { Operation } from "../core/operation.ts";
import { blobUnknown } from "./pull.ts";
import type { Registry } from "./registry.ts";

/**
 * Asks the hook and returns what may be done: the operation itself, or a plain upload where only the mount is refused,
 * since clients that try a mount on the off chance must be able to go on.
 *
 * @param existenceOnly the answer carries no text (HEAD), so a refused blob looks like one that is not there;
 * clients then go on to the upload, whose refusal they show
 * @throws {OciError} DENIED with the hook's reason, or BLOB_UNKNOWN
 */
export async function authorize(
  registry: Registry,
  identity: Identity,
  operation: Operation,
  existenceOnly: boolean,
): Promise<Operation> {
  const verdict = await registry.authorization.decide(identity, operation);
  if (verdict.allowed) return operation;
  if (operation.action === "mount-blob") {
    return await authorize(
      registry,
      identity,
      { action: "start-upload", repository: operation.repository },
      false,
    );
  }
  if (operation.action === "get-blob" && existenceOnly) {
    throw blobUnknown(operation.repository, operation.digest);
  }
  throw new OciError("DENIED", { message: verdict.reason });
}

/** True when the hook lets the caller do it; for look-ups that only narrow what is offered. */
export async function isAllowed(
  registry: Registry,
  identity: Identity,
  operation: Operation,
): Promise<boolean> {
  return (await registry.authorization.decide(identity, operation)).allowed;
}
