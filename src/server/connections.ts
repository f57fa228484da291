/** The connections of one listener: which are open, which have requests under way, and which stand still. */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { NodeRequestBody } from "./request_body.ts";

/** Longest time between two looks at the connections, in ms. */
const LONGEST_PAUSE = 5000;

/** ms that a new connection has for its first request when the server stops: the client could not know. */
export const FIRST_REQUEST_MS = 1000;

export interface Connection {
  /** No request that comes from now on is served: an answer says `Connection: close`. */
  closing: boolean;
  /** A bare answer was written in place of the request's own. */
  broken: boolean;
  /** Called when no request is under way any more. */
  onIdle: (() => void) | undefined;
  /** Requests whose answer has not left yet; more than one where the client sends ahead. */
  underWay: number;
  /** Called when the connection closes, by requests that wait for their turn: an answer that never begins tells nothing. */
  readonly waiting: Set<() => void>;
  /** Requests and pieces that came where nothing more is served. */
  ignored: number;
  newest: { readonly response: ServerResponse; readonly body: NodeRequestBody } | undefined;
  /** When the server had it, or the TCP connection below it. */
  readonly opened: number;
  /** Whether a request has come. */
  used: boolean;
  /** Bytes that had left when last looked at, and when that number last changed. */
  sent: number;
  since: number;
}

export class Connections {
  readonly #stallMs: number;
  readonly #open = new Map<Socket, Connection>();
  /** TCP connections whose TLS handshake goes on, and since when, by the peer's address and port. */
  readonly #handshakes = new Map<string, { readonly socket: Socket; readonly opened: number }>();
  #sweeps: ReturnType<typeof setInterval> | undefined;

  /** @param stallMs time without progress of an answer after which the client is cut off */
  constructor(stallMs: number) {
    this.#stallMs = stallMs;
  }

  get size(): number {
    return this.#open.size + this.#handshakes.size;
  }

  /** A TCP connection on which a TLS handshake begins. */
  addHandshake(socket: Socket): void {
    const peer = peerOf(socket);
    this.#handshakes.set(peer, { socket, opened: performance.now() });
    socket.once("close", () => {
      if (this.#handshakes.get(peer)?.socket === socket) this.#handshakes.delete(peer);
    });
  }

  /** A connection that can carry requests. */
  add(socket: Socket): Connection {
    const peer = peerOf(socket);
    const opened = this.#handshakes.get(peer)?.opened ?? performance.now();
    this.#handshakes.delete(peer);
    const connection: Connection = {
      opened,
      used: false,
      closing: false,
      broken: false,
      onIdle: undefined,
      underWay: 0,
      waiting: new Set(),
      ignored: 0,
      newest: undefined,
      sent: 0,
      since: 0,
    };
    this.#open.set(socket, connection);
    socket.once("close", () => {
      this.#open.delete(socket);
      for (const wake of connection.waiting) wake();
    });
    this.#sweeps ??= setInterval(
      () => this.#cutStalled(),
      Math.min(LONGEST_PAUSE, Math.ceil(this.#stallMs / 4)),
    );
    return connection;
  }

  /** The connection of a socket; undefined once it is closed. */
  of(socket: Socket): Connection | undefined {
    return this.#open.get(socket);
  }

  /** Closes what has no request under way. @param youngest also what is new, where it is 0: ms that it must be open */
  closeIdle(youngest: number): void {
    const latest = performance.now() - youngest;
    for (const { socket, opened } of this.#handshakes.values()) {
      if (opened <= latest) socket.destroy();
    }
    for (const [socket, { underWay, used, opened }] of this.#open) {
      if (underWay === 0 && (used || opened <= latest)) socket.destroy();
    }
  }

  /** Cuts everything, whatever it does. */
  closeAll(): void {
    clearInterval(this.#sweeps);
    for (const { socket } of this.#handshakes.values()) socket.destroy();
    for (const socket of this.#open.keys()) socket.destroy();
  }

  /** One look for all connections, since a timer for each answer would cost every one of them. */
  #cutStalled(): void {
    const now = performance.now();
    for (const [socket, connection] of this.#open) {
      if (connection.underWay === 0) continue;
      const waiting = socket.writableLength;
      const sent = socket.bytesWritten - waiting;
      if (waiting === 0 || sent !== connection.sent) {
        connection.sent = sent;
        connection.since = now;
      } else if (now - connection.since >= this.#stallMs) socket.destroy();
    }
  }
}

/**
 * Takes note that the client sent what nobody can parse. A bare answer must not go out beside others, where it would
 * read as part of one or as its substitute.
 *
 * @param end closes the connection, with a bare answer or without; called now or when the answers under way have left
 */
export function breakConnection(connection: Connection, end: (withAnswer: boolean) => void): void {
  const { underWay, newest, broken } = connection;
  connection.closing = true;
  if (newest === undefined || newest.body.arrived) {
    if (underWay === 0) end(!broken);
    else connection.onIdle = () => end(false);
    return;
  }
  // The fault lies in the body of the newest request.
  if (underWay === 1 && !newest.response.headersSent) {
    connection.broken = true;
    end(true);
    newest.body.breakOff();
  } else if (underWay === 1) {
    newest.body.breakOff();
    connection.onIdle = () => end(false);
  } else end(false);
}

/** Tells connections apart: the socket above a TLS handshake is another object than the one below it. */
function peerOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}
