/** Requests of one connection are served one after the other, and what a client sends ahead is bounded. */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Connection } from "./connections.ts";
import { MOST_REQUESTS_AHEAD } from "./limits.ts";
import type { ReadValve } from "./read_valve.ts";
import type { NodeRequestBody } from "./request_body.ts";

/**
 * A request begins; it ends when `response` closes. Gives what it has to wait for where the client sent it ahead: requests of
 * a connection are served one after the other, so that one client cannot keep many files open and answers in memory.
 */
export function beginRequest(
  connection: Connection,
  response: ServerResponse,
  body: NodeRequestBody,
): Promise<void> | undefined {
  const { newest } = connection;
  const turn = newest && new Promise<void>((resolve) => {
    const wake = (): void => {
      connection.waiting.delete(wake);
      resolve();
    };
    connection.waiting.add(wake);
    newest.response.on("close", wake);
  });
  connection.used = true;
  if (connection.underWay++ === 0) connection.since = performance.now();
  const exchange = { response, body };
  connection.newest = exchange;
  response.on("close", () => {
    connection.underWay--;
    if (connection.newest === exchange) connection.newest = undefined;
    if (connection.underWay === 0) connection.onIdle?.();
  });
  return turn;
}

/**
 * Resolves when the turn has come, and when the connection has closed.
 *
 * @param valve of a TLS socket, which is shut meanwhile: the runtime would take in whatever comes
 */
export async function waitForTurn(
  turn: Promise<void>,
  socket: Socket,
  body: NodeRequestBody,
  valve: ReadValve | undefined,
): Promise<void> {
  valve?.stop();
  await turn;
  // A body is let in when somebody reads it.
  if (body.ended && !socket.destroyed) valve?.start();
}

/** Takes note of what comes where nothing more is served. Gives whether the client may go on all the same. */
export function ignoreMore(connection: Connection): boolean {
  return ++connection.ignored + connection.underWay <= MOST_REQUESTS_AHEAD;
}
