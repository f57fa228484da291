/** A fault as plain values, so that it can go from one thread to another and still be an OciError there. */
import { type ErrorCode, OciError } from "./oci_error.ts";

export type FaultMessage =
  | {
    readonly code: ErrorCode;
    readonly message: string;
    readonly status: number;
    readonly detail: unknown;
    readonly headers: Record<string, string>;
  }
  | { readonly stack: string; readonly message: string };

/** Whatever was thrown, without the causes of an OciError. */
export function faultMessageOf(fault: unknown): FaultMessage {
  if (fault instanceof OciError) {
    const { code, message, status, detail, headers } = fault;
    return { code, message, status, detail, headers };
  }
  const { message, stack } = fault instanceof Error ? fault : new Error(String(fault));
  return { message, stack: stack ?? message };
}

/** @param thread the one that the fault comes from, for the log */
export function faultOf(message: FaultMessage, thread: string): Error {
  if ("code" in message) return new OciError(message.code, message);
  const fault = new Error(message.message);
  fault.stack = `${message.stack}\n    (in the ${thread} thread)`;
  return fault;
}
