/** Reading a blob of an upstream to its end, also when the connection breaks on the way. */
import { UpstreamFault, type UpstreamFaultKind } from "../core/upstream_fault.ts";
import type { UpstreamBlob } from "../ports/upstream.ts";

/** Times in a row that a transfer may break without having brought a byte. */
const MOST_BARREN_TRIES = 3;

/**
 * The bytes of a blob; where they end too soon for a reason that may pass, it is asked for the rest.
 *
 * @param size bytes of the whole
 * @param mayPass the reasons that may pass
 * @throws {UpstreamFault} when it goes on breaking, or has the rest no more
 */
export async function* readOn(
  first: UpstreamBlob,
  size: number,
  mayPass: ReadonlySet<UpstreamFaultKind>,
  ask: (start: number) => Promise<UpstreamBlob | undefined>,
): AsyncGenerator<Uint8Array> {
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
      if (!mayPass.has(fault.kind) || barren >= MOST_BARREN_TRIES || offset >= size) throw fault;
    } finally {
      blob.abort();
    }
    const next = await ask(offset);
    if (next === undefined) {
      throw new UpstreamFault("broken", "the upstream does not have the rest of a blob any more");
    }
    blob = next;
  }
}
