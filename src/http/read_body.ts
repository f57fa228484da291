/** Reading a body whole, for the one kind of content that is small enough: manifests. */
import { joinBytes } from "../core/join_bytes.ts";
import type { OciError } from "../core/oci_error.ts";
import { type Share, SMALL_BODY } from "./body_room.ts";
import type { RequestBody } from "./message.ts";

/** A body in memory; disposing of it gives its room back. */
export interface WholeBody extends Disposable {
  /** A buffer of its own. */
  readonly bytes: Uint8Array;
}

/**
 * Reads at most `limit` bytes. A body that is announced or found to be larger is refused with `tooLarge()`,
 * without a byte read or without reading further. One that is not small is read when there is room for it; until then
 * its client waits.
 *
 * @throws {OciError} what `tooLarge` makes; UNAVAILABLE when there was no room for too long, or when it comes too slowly
 * while others wait for its room
 */
export async function readWhole(
  body: RequestBody,
  limit: number,
  room: Share,
  tooLarge: () => OciError,
): Promise<WholeBody> {
  if (body.length !== undefined && body.length > limit) throw tooLarge();
  if (body.length === 0) return { bytes: new Uint8Array(), [Symbol.dispose]: () => {} };
  using stack = new DisposableStack();
  const announced = body.length ?? 0;
  let lease = announced > SMALL_BODY ? stack.use(await room.take(announced)) : undefined;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body.chunks()) {
    length += chunk.length;
    if (length > limit) throw tooLarge();
    // A client that did not say how much it sends is believed until it is not small any more.
    if (lease === undefined && length > SMALL_BODY) lease = stack.use(await room.take(limit));
    lease?.requireTurn(length);
    chunks.push(new Uint8Array(chunk));
  }
  const held = stack.move();
  return { bytes: joinBytes(chunks, length), [Symbol.dispose]: () => held.dispose() };
}
