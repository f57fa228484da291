/** Reading a blob of an upstream to its end, also when the connection breaks on the way. */
import { SourceFault } from "../core/source_fault.ts";
import { UpstreamFault } from "../core/upstream_fault.ts";
import type { UpstreamBlob } from "../ports/upstream.ts";

/** Times in a row that a transfer may break without having brought a byte. */
const MOST_BARREN_TRIES = 3;

/**
 * The bytes of a blob; where they break off or stand still it is asked for the rest.
 *
 * @param size bytes of the whole
 * @throws {SourceFault} when the upstream has other bytes than before, or ends too soon
 * @throws {UpstreamFault} when it goes on breaking
 */
export async function* readOn(
  first: UpstreamBlob,
  size: number,
  ask: (start: number) => Promise<UpstreamBlob | undefined>,
): AsyncIterable<Uint8Array> {
  let [blob, offset, barren]: [UpstreamBlob, number, number] = [first, 0, 0];
  while (true) {
    const before = offset;
    try {
      // An upstream without ranges starts over.
      let skip = offset - blob.start;
      for await (const chunk of blob.chunks) {
        const fresh = chunk.subarray(Math.min(skip, chunk.length));
        skip -= chunk.length - fresh.length;
        offset += fresh.length;
        if (fresh.length > 0) yield fresh;
      }
      return;
    } catch (fault) {
      if (!(fault instanceof UpstreamFault)) throw fault;
      barren = offset > before ? 0 : barren + 1;
      const mayPass = fault.kind === "broken" || fault.kind === "timeout" || fault.kind === "unreachable";
      if (!mayPass || barren >= MOST_BARREN_TRIES || offset >= size) throw asSourceFault(fault);
    } finally {
      blob.abort();
    }
    const next = await noteUpstreamFault(() => ask(offset));
    if (next === undefined) throw new SourceFault("the upstream does not have the rest of a blob any more");
    blob = next;
  }
}

/** Runs what asks an upstream; what is wrong with one answer keeps back one piece of the import, not all of it. */
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
