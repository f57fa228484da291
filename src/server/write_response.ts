/** From the registry's response to node:http's. */
import type { ServerResponse } from "node:http";
import type { HttpResponse } from "../http/message.ts";

/** What became of a response. */
export interface Sent {
  /** Bytes of the body that were handed to the socket. */
  readonly bytes: number;
  /** False when the client was cut off before the end: it went away, stood still, or the content could not be read. */
  readonly complete: boolean;
  /** Why the content could not be read. */
  readonly fault?: unknown;
}

/**
 * Sends a response. A body that breaks in the middle ends the connection, so that the client cannot take what it has
 * for the whole.
 *
 * @param stallMs time without progress after which the client is cut off
 */
export async function writeResponse(
  to: ServerResponse,
  response: HttpResponse,
  close: boolean,
  stallMs: number,
): Promise<Sent> {
  const { status, headers, body } = response;
  if (to.destroyed) return { bytes: 0, complete: false };
  to.writeHead(status, close ? { ...headers, connection: "close" } : headers);
  if (body === undefined || body instanceof Uint8Array) {
    to.end(body);
    return { bytes: body?.length ?? 0, complete: true };
  }
  let bytes = 0;
  try {
    for await (const chunk of body.chunks) {
      if (to.destroyed) return { bytes, complete: false };
      bytes += chunk.length;
      if (!to.write(chunk) && !await drained(to, stallMs)) {
        to.destroy();
        return { bytes, complete: false };
      }
    }
  } catch (fault) {
    to.destroy();
    return { bytes, complete: false, fault };
  }
  if (bytes !== body.length) {
    to.destroy();
    return {
      bytes,
      complete: false,
      fault: new Error(`sent ${bytes} bytes where ${body.length} were promised`),
    };
  }
  to.end();
  return { bytes, complete: true };
}

/** True when the socket takes more; false when the client is gone or took nothing for `stallMs`. */
function drained(to: ServerResponse, stallMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (more: boolean): void => {
      clearTimeout(timer);
      to.off("drain", onDrain);
      to.off("close", onClose);
      resolve(more);
    };
    const onDrain = (): void => settle(true);
    const onClose = (): void => settle(false);
    const timer = setTimeout(() => settle(false), stallMs);
    to.on("drain", onDrain);
    to.on("close", onClose);
  });
}
