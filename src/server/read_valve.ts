/**
 * Stops and starts reading from a client's socket.
 *
 * On plain sockets `pause()` does it. On TLS sockets Deno's `pause()` leaves the TCP handle below reading: the process
 * decrypts and swallows a whole upload (1.4 GB of 1 GiB seen). Stopping that handle bounds it. The handle is private, so
 * {@linkcode findValve} fails where it is not what we know, and a test measures that the cure still works.
 */
import type { IncomingMessage } from "node:http";

export interface ReadValve {
  stop(): void;
  start(): void;
}

interface TcpHandle {
  readStop(): void;
  readStart(): void;
}

/** @throws {Error} when the runtime's TLS sockets are built in another way than the one that was tested */
export function findValve(request: IncomingMessage, secure: boolean): ReadValve {
  if (!secure) return { stop: () => void request.pause(), start: () => void request.resume() };
  const handle = tcpHandleUnder(request.socket);
  if (handle === undefined) {
    throw new Error("cannot stop reading from a TLS socket: this version of Deno is not supported");
  }
  return { stop: () => handle.readStop(), start: () => handle.readStart() };
}

function tcpHandleUnder(socket: unknown): TcpHandle | undefined {
  const handle = (socket as { _parent?: { _handle?: Partial<TcpHandle> } })._parent?._handle;
  return typeof handle?.readStop === "function" && typeof handle.readStart === "function"
    ? handle as TcpHandle
    : undefined;
}
