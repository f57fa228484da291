/** One thread's listener: HTTP or HTTPS connections in, requests to the handler, responses and log lines out. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { Socket } from "node:net";
import type { Handled, HttpRequest } from "../http/message.ts";
import type { Log } from "../ports/log.ts";
import { logRequest } from "./access_log.ts";
import { answerBrokenRequest } from "./broken_request.ts";
import { type ConnectionLimits, MOST_HEADER_BYTES, MOST_HEADER_FIELDS } from "./limits.ts";
import { addressOf, makeRequestIds, toHttpRequest } from "./node_request.ts";
import { NodeRequestBody } from "./request_body.ts";
import { closeAfterResponse, discardRest } from "./unread_body.ts";
import { writeResponse } from "./write_response.ts";

export interface TlsKeyPair {
  /** PEM, the server's certificate first, then its chain. */
  readonly certificate: string;
  /** PEM. */
  readonly privateKey: string;
}

export interface HttpServerOptions {
  readonly handle: (request: HttpRequest) => Promise<Handled>;
  readonly limits: ConnectionLimits;
  readonly log: Log;
  /** undefined for plain HTTP. */
  readonly tls: TlsKeyPair | undefined;
}

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #server: Server;
  readonly #secure: boolean;
  readonly #nextRequestId = makeRequestIds();
  readonly #sockets = new Set<Socket>();
  #draining = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.#secure = options.tls !== undefined;
    this.#server = makeServer(options);
    this.#server.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#server.on("request", (request, response) => void this.#serve(request, response, false));
    this.#server.on("checkContinue", (request, response) => void this.#serve(request, response, true));
    this.#server.on("clientError", (error: Error & { code?: string }, socket: Socket) => {
      answerBrokenRequest(error, socket);
      options.log.debug("broken request", { peer: addressOf(socket), code: error.code });
    });
    // A failed handshake concerns one client; without a listener it would end the thread.
    this.#server.on("tlsClientError", (error: Error, socket: Socket) => {
      options.log.debug("handshake failed", { peer: addressOf(socket), reason: error.message });
      socket.destroy();
    });
  }

  /**
   * Listens, sharing the port with the other threads. Gives the port, which the system chose when `port` is 0.
   *
   * @throws what the system says when the address cannot be used
   */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host, port, reusePort: true, backlog: 1024 }, () => {
        this.#server.off("error", reject);
        this.#server.on("error", (error: Error) => this.#options.log.error("listener failed", { error }));
        resolve((this.#server.address() as { port: number }).port);
      });
    });
  }

  /** Refuses new connections, lets requests under way end, and cuts what is left after `timeoutMs`. */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const expired = new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs));
    await Promise.race([closed, expired]);
    clearTimeout(timer);
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async #serve(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): Promise<void> {
    const started = performance.now();
    const id = this.#nextRequestId();
    const peer = addressOf(request.socket);
    const body = new NodeRequestBody(
      request,
      this.#secure,
      this.#options.limits,
      awaitsContinue ? response : undefined,
    );
    // A socket error is told by "close" to whoever reads or writes; unheard it would end the thread.
    response.on("error", () => {});
    request.on("error", () => {});
    if (request.rawHeaders.length > 2 * MOST_HEADER_FIELDS) {
      response.writeHead(431, { connection: "close", "content-length": "0" }).end();
      return;
    }
    try {
      const handled = await this.#options.handle(toHttpRequest(id, request, body, peer));
      const close = this.#draining || closeAfterResponse(body);
      const sent = await writeResponse(response, handled.response, close, this.#options.limits.idleTimeoutMs);
      if (!body.ended) discardRest(body, request.socket, close);
      logRequest(this.#options.log, {
        id,
        peer,
        method: request.method!,
        target: request.url!,
        handled,
        sent,
        ms: performance.now() - started,
      });
    } catch (error) {
      this.#options.log.error("request failed outside the handler", { request: id, error });
      response.destroy();
    }
  }
}

function makeServer({ tls, limits }: HttpServerOptions): Server {
  const options = {
    maxHeaderSize: MOST_HEADER_BYTES,
    headersTimeout: limits.headersTimeoutMs,
    // The whole-request timeout would cut a large upload however steadily it comes; the minimum rate takes its place.
    requestTimeout: 0,
    keepAliveTimeout: limits.idleTimeoutMs,
    connectionsCheckingInterval: Math.min(1000, limits.headersTimeoutMs),
    noDelay: true,
  };
  const server = tls === undefined ? createServer(options) : createTlsServer({
    ...options,
    cert: tls.certificate,
    key: tls.privateKey,
    minVersion: "TLSv1.2",
    ALPNProtocols: ["http/1.1"],
    handshakeTimeout: limits.handshakeTimeoutMs,
  });
  server.maxConnections = limits.maxConnections;
  // 0 means no limit: beyond a limit node drops fields silently, and a dropped one could be a second Host.
  server.maxHeadersCount = 0;
  return server;
}
