/**
 * Stops and starts reading from a client's socket.
 *
 * On plain sockets `pause()` does it. On TLS sockets Deno's `pause()` leaves the TCP handle below reading: the process
 * decrypts and swallows a whole upload (1.4 GB of 1 GiB seen). Stopping that handle bounds it. The handle is private, so
 * {@linkcode findValve} fails where it is not what we know, and a test measures that the cure still works.
 */
import type { IncomingMessage } from "node:http";
import { giveBack } from "./dead_buffers.ts";

export interface ReadValve {
  stop(): void;
  start(): void;
}

interface TcpHandle {
  readStop(): void;
  readStart(): void;
  /** Hands what came, still encrypted, to the TLS layer, which takes a copy. */
  onread: ((buffer: unknown) => void) & { readonly givesBack?: true };
}

/**
 * @param mayStart asked before a TLS socket is read again: while a request waits for the answers before its own, nothing is
 * @throws {Error} when the runtime's TLS sockets are built in another way than the one that was tested
 */
export function findValve(
  request: IncomingMessage,
  secure: boolean,
  mayStart: () => boolean = () => true,
): ReadValve {
  if (!secure) return { stop: () => void request.pause(), start: () => void request.resume() };
  const handle = tcpHandleUnder(request.socket);
  if (handle === undefined) {
    throw new Error("cannot stop reading from a TLS socket: this version of Deno is not supported");
  }
  giveBackAfterUse(request.socket, handle);
  return {
    stop: () => handle.readStop(),
    start() {
      if (mayStart()) handle.readStart();
    },
  };
}

/**
 * Each read brings a buffer of encrypted bytes and one of decrypted bytes, of which the next layer takes a copy before it
 * returns. Given back at once they cost nothing; left to the collector, more than a core goes into looking for them.
 * Takes effect with the next start of the valve.
 */
function giveBackAfterUse(socket: IncomingMessage["socket"], handle: TcpHandle): void {
  const pass = handle.onread;
  if (pass.givesBack) return;
  handle.onread = Object.assign(function (this: TcpHandle, buffer: unknown): void {
    pass.call(this, buffer);
    if (buffer instanceof ArrayBuffer) giveBack(new Uint8Array(buffer));
  }, { givesBack: true } as const);
  // Heard after the parser, which listened first.
  socket.on("data", giveBack);
}

function tcpHandleUnder(socket: unknown): TcpHandle | undefined {
  const handle = (socket as { _parent?: { _handle?: Partial<TcpHandle> } })._parent?._handle;
  return typeof handle?.readStop === "function" && typeof handle.readStart === "function" &&
      typeof handle.onread === "function"
    ? handle as TcpHandle
    : undefined;
}
