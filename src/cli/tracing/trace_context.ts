/** The header by which a client says which trace its request belongs to (W3C Trace Context). */
import { randomBytes } from "node:crypto";
import type { SpanContext } from "./span.ts";

/**
 * Reads `traceparent` (section 3.2). Whether the client records its own spans is not asked: what is recorded here, and how
 * much of it, is for the operator of the registry to say.
 *
 * @returns undefined where there is none, or one that is not well formed
 */
export function readTraceparent(header: string | undefined): SpanContext | undefined {
  const [, version, traceId = "", spanId = ""] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:$|-)/.exec(header ?? "") ?? [];
  if (version === undefined || version === "ff" || /^0+$/.test(traceId) || /^0+$/.test(spanId)) {
    return undefined;
  }
  return { traceId, spanId };
}

export function makeTraceId(): string {
  return randomBytes(16).toString("hex");
}

export function makeSpanId(): string {
  return randomBytes(8).toString("hex");
}
