/** A webhook on loopback that writes down what it is asked. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { WebhookTarget } from "../../src/auth/webhook_client.ts";

export interface Question {
  readonly method: string;
  readonly url: string;
  /** Names in lower case, in the order received, each as often as it came. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Common name of the client's certificate; undefined without one. */
  readonly clientName: string | undefined;
}

export interface WebhookServerTls {
  readonly certificate: string;
  readonly privateKey: string;
  /** CAs of the clients' certificates; undefined asks for none. */
  readonly clientCa?: string;
}

export class WebhookServer implements AsyncDisposable {
  readonly asked: Question[] = [];
  /** Sockets that are open now. */
  readonly sockets = new Set<Socket>();
  /** Connections that ever were made. */
  connections = 0;
  answer: (response: ServerResponse, request: IncomingMessage) => void = (response) => response.end();
  readonly #server: Server;
  readonly #secure: boolean;

  private constructor(tls: WebhookServerTls | undefined) {
    this.#secure = tls !== undefined;
    const handle = (request: IncomingMessage, response: ServerResponse) => {
      const raw = request.rawHeaders;
      const headers = raw.flatMap((name, i) =>
        i % 2 === 0 ? [[name.toLowerCase(), raw[i + 1]!] as const] : []
      );
      const clientName = this.#secure
        ? (request.socket as TLSSocket).getPeerCertificate().subject?.CN as string | undefined
        : undefined;
      this.asked.push({ method: request.method!, url: request.url!, headers, clientName });
      this.answer(response, request);
    };
    this.#server = tls === undefined ? createServer(handle) : createTlsServer({
      cert: tls.certificate,
      key: tls.privateKey,
      requestCert: tls.clientCa !== undefined,
      rejectUnauthorized: tls.clientCa !== undefined,
      ...(tls.clientCa !== undefined && { ca: tls.clientCa }),
    }, handle);
    this.#server.on("connection", (socket: Socket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => this.sockets.delete(socket));
    });
    this.#server.on("tlsClientError", () => {});
  }

  static async start(tls?: WebhookServerTls): Promise<WebhookServer> {
    const server = new WebhookServer(tls);
    await new Promise<void>((resolve) => server.#server.listen(0, "127.0.0.1", () => resolve()));
    return server;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  get url(): string {
    return `${this.#secure ? "https" : "http"}://localhost:${this.port}/check`;
  }

  /** A target that asks this server, with room for every test's needs. */
  target(change: Partial<WebhookTarget> = {}): WebhookTarget {
    return {
      name: "guard",
      url: this.url,
      timeoutMs: 5000,
      authorization: undefined,
      clientCertificate: undefined,
      serverCa: undefined,
      forwardHeaders: [],
      cacheTtlMs: 60_000,
      ...change,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }
}
