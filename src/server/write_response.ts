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
 * How much of a body is handed over at once. Progress shows only when all of it has left, so a slow client gets it in
 * small pieces, and a fast one in pieces that double up to the largest.
 */
const SMALLEST_PIECE = 64 * 1024;
const LARGEST_PIECE = 1024 * 1024;

/** ms within which a client that is called fast takes a piece. */
const FAST_MS = 250;

/**
 * Sends a response. A body that breaks in the middle ends the connection, so that the client cannot take what it has
 * for the whole. Whoever watches the connection cuts a client that stands still.
 *
 * @param close says `Connection: close`
 */
export async function writeResponse(
  to: ServerResponse,
  response: HttpResponse,
  close: boolean,
): Promise<Sent> {
  const { status, headers, body } = response;
  if (to.destroyed) return await dropResponse(response);
  try {
    to.writeHead(status, close ? { ...headers, connection: "close" } : headers);
  } catch (fault) {
    to.destroy();
    return { ...await dropResponse(response), fault };
  }
  if (body === undefined || (body instanceof Uint8Array && body.length <= SMALLEST_PIECE)) {
    to.end(body);
    return { bytes: body?.length ?? 0, complete: true };
  }
  const sent = await writePieces(to, body instanceof Uint8Array ? [body] : body.chunks, body.length);
  if (!sent.complete) to.destroy();
  return sent;
}

/**
 * Sends a response whose body is in memory, and resolves when it has left. The caller ends `to`, and with it the
 * connection.
 */
export async function writeHeldResponse(to: ServerResponse, response: HttpResponse): Promise<Sent> {
  const body = response.body as Uint8Array;
  if (to.destroyed) return await dropResponse(response);
  to.writeHead(response.status, { ...response.headers, connection: "close" });
  await new Promise<void>((resolve) => {
    to.write(body, () => resolve());
    to.on("close", resolve);
  });
  return { bytes: body.length, complete: !to.destroyed };
}

async function writePieces(
  to: ServerResponse,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  length: number,
): Promise<Sent> {
  let bytes = 0;
  let most = SMALLEST_PIECE;
  let last: Uint8Array | undefined;
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length;) {
        if (to.destroyed) return { bytes, complete: false };
        const piece = at === 0 && chunk.length <= most ? chunk : chunk.subarray(at, at + most);
        at += piece.length;
        bytes += piece.length;
        if (bytes >= length) {
          last = piece;
          continue;
        }
        const started = performance.now();
        if (!await written(to, piece)) return { bytes, complete: false };
        most = nextPiece(most, performance.now() - started);
      }
    }
  } catch (fault) {
    return { bytes, complete: false, fault };
  }
  if (bytes !== length) {
    return { bytes, complete: false, fault: new Error(`sent ${bytes} bytes where ${length} were promised`) };
  }
  // With the last bytes: over TLS, an end without any that comes while others wait is never done.
  to.end(last);
  return { bytes, complete: true };
}

function nextPiece(last: number, ms: number): number {
  return ms < FAST_MS ? Math.min(last * 2, LARGEST_PIECE) : Math.max(last / 2, SMALLEST_PIECE);
}

/** True when the system has taken the piece, and its buffer may be used again; false when the client is gone. */
function written(to: ServerResponse, piece: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (): void => {
      to.off("close", settle);
      resolve(!to.destroyed);
    };
    to.on("close", settle);
    to.write(piece, settle);
  });
}

/** Lets go of a response that nobody can be sent. */
export async function dropResponse({ body }: HttpResponse): Promise<Sent> {
  if (body !== undefined && !(body instanceof Uint8Array)) {
    await body.chunks[Symbol.asyncIterator]().return?.();
  }
  return { bytes: 0, complete: false };
}
