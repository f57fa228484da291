/** What becomes of a body that the handler did not want: an early refusal must reach the client, and cost little. */
import type { Socket } from "node:net";
import type { NodeRequestBody } from "./request_body.ts";

/** Bytes that are read and thrown away to keep a connection usable. */
const DRAIN_TO_KEEP = 256 * 1024;

/** How long, in ms, a client that is still sending gets to notice the answer before its connection is cut. */
const LINGER_MS = 5000;

/** True when the connection is better closed than read to the end of the body. */
export function closeAfterResponse(body: NodeRequestBody): boolean {
  if (body.ended) return false;
  // A client that waits for `100 Continue` may send its body or not: nobody can tell where the next request begins.
  if (body.awaitsContinue) return true;
  return body.remaining === undefined || body.remaining > DRAIN_TO_KEEP;
}

/**
 * Reads on after the response. Closing at once would reset the connection while the client sends, and a reset can take
 * the answer away from it unread.
 */
export function discardRest(body: NodeRequestBody, socket: Socket, close: boolean): void {
  body.discard();
  if (!close) return;
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
}
