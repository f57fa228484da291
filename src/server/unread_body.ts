/** What becomes of a body that the handler did not want: an early refusal must reach the client, and cost little. */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { HttpResponse } from "../http/message.ts";
import type { NodeRequestBody } from "./request_body.ts";

/** Bytes that are read and thrown away to keep a connection usable. */
const DRAIN_TO_KEEP = 256 * 1024;

/** How long, in ms, a client may go on sending after the answer; less for one that was too slow before. */
const LINGER_MS = 5000;
const LINGER_AFTER_FAILURE_MS = 500;

/** True when the answer says so, and when the connection is better closed than read to the end of the body. */
export function closeAfterResponse(body: NodeRequestBody, { headers }: HttpResponse): boolean {
  if (headers["connection"] === "close") return true;
  if (body.ended) return false;
  // A client that waits for `100 Continue` may send its body or not: nobody can tell where the next request begins.
  if (body.awaitsContinue || body.failed) return true;
  return body.remaining === undefined || body.remaining > DRAIN_TO_KEEP;
}

/**
 * True when the connection stays open after the answer until the client has seen it. Closing while the client sends
 * resets the connection, and a reset can take the answer away from it unread.
 */
export function lingersAfterResponse(body: NodeRequestBody, answer: HttpResponse): boolean {
  return !body.ended && !body.awaitsContinue && isInMemory(answer.body);
}

/**
 * Reads on after the answer and throws away what comes.
 *
 * @param held a response that has left but is not ended; it is ended with the body
 */
export function discardRest(body: NodeRequestBody, socket: Socket, held: ServerResponse | undefined): void {
  const timer = setTimeout(() => socket.destroy(), body.failed ? LINGER_AFTER_FAILURE_MS : LINGER_MS);
  body.discard(() => {
    clearTimeout(timer);
    held?.end();
  });
}

function isInMemory(body: HttpResponse["body"]): boolean {
  return body instanceof Uint8Array && body.length > 0;
}
