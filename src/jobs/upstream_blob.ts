/** What is wrong with one answer of an upstream keeps back one piece of an import, not all of it. */
import { SourceFault } from "../core/source_fault.ts";
import { UpstreamFault, type UpstreamFaultKind } from "../core/upstream_fault.ts";
import type { UpstreamBlob } from "../ports/upstream.ts";
import { readOn } from "../registry/read_on.ts";

/** A job has the time to come back. */
const MAY_PASS: ReadonlySet<UpstreamFaultKind> = new Set(["broken", "timeout", "unreachable"]);

/**
 * The bytes of a blob; where they break off or stand still it is asked for the rest.
 *
 * @param size bytes of the whole
 * @throws {SourceFault} when the upstream ends too soon or goes on breaking off
 * @throws {UpstreamFault} when it cannot be asked
 */
export async function* readToEnd(
  first: UpstreamBlob,
  size: number,
  ask: (start: number) => Promise<UpstreamBlob | undefined>,
): AsyncIterable<Uint8Array> {
  try {
    yield* readOn(first, size, MAY_PASS, ask);
  } catch (fault) {
    throw asSourceFault(fault);
  }
}

/** Runs what asks an upstream. */
export async function noteUpstreamFault<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (fault) {
    throw asSourceFault(fault);
  }
}

function asSourceFault(fault: unknown): unknown {
  const isOfOnePiece = fault instanceof UpstreamFault && (fault.kind === "broken" || fault.kind === "unsafe");
  return isOfOnePiece ? new SourceFault(fault.message, { cause: fault }) : fault;
}
