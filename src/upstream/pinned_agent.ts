/** Connections to servers at addresses that were looked up and approved before; a second look-up could give others. */
import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";

/** Connections to one address at a time; further requests wait for one. */
const MOST_CONNECTIONS = 64;

const POOL = { keepAlive: true, maxSockets: MOST_CONNECTIONS, maxFreeSockets: 8 };

/** What TLS needs to know, PEM. */
export interface TlsFiles {
  readonly trustedCas: string | undefined;
  readonly clientCertificate: { readonly certificate: string; readonly privateKey: string } | undefined;
}

/** The TCP socket under a TLS one: reading can only be stopped there. */
const below = new WeakMap<object, Socket>();

export class PinnedTlsAgent extends HttpsAgent {
  readonly #files: TlsFiles;

  constructor(files: TlsFiles) {
    super(POOL);
    this.#files = files;
  }

  /** Called by the agent for every new connection. */
  override createConnection(options: object): TLSSocket {
    const { host, port, servername } = options as { host: string; port: number; servername: string };
    const { trustedCas, clientCertificate: client } = this.#files;
    const tcp = connectTcp({ host, port });
    const socket = connectTls({
      socket: tcp,
      // What the certificate has to be for: the name, or the address where there is none.
      host: servername,
      servername: isIP(servername) === 0 ? servername : "",
      rejectUnauthorized: true,
      ...(trustedCas !== undefined && { ca: trustedCas }),
      ...(client !== undefined && { cert: client.certificate, key: client.privateKey }),
    });
    tcp.on("error", (fault) => socket.destroy(fault));
    below.set(socket, tcp);
    return socket;
  }
}

export function makeTcpAgent(): HttpAgent {
  return new HttpAgent(POOL);
}

/** Stops and starts reading of a response beyond what `pause()` does, which over TLS goes on below. */
export interface SocketValve {
  stop(): void;
  start(): void;
}

/** @throws {Error} when the runtime's sockets are built in another way than the one that was tested */
export function valveOf(socket: object): SocketValve | undefined {
  const tcp = below.get(socket);
  if (tcp === undefined) return undefined;
  const handle = (tcp as { _handle?: { readStop?(): void; readStart?(): void } })._handle;
  if (typeof handle?.readStop !== "function" || typeof handle.readStart !== "function") {
    throw new Error("cannot stop reading from a TLS socket: this version of Deno is not supported");
  }
  return { stop: () => handle.readStop!(), start: () => handle.readStart!() };
}
