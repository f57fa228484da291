/** One thread's listener: HTTP or HTTPS connections in, requests to the handler, responses and log lines out. */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { UNIX_PEER } from "../auth/client_address.ts";
import type { ListenAddress } from "../config/settings.ts";
import { respondToFault } from "../http/error_response.ts";
import type { Handled, HttpRequest } from "../http/message.ts";
import { withoutBody } from "../http/respond.ts";
import type { Log } from "../ports/log.ts";
import type { Metrics } from "../ports/metrics.ts";
import { logRequest } from "./access_log.ts";
import { endBrokenConnection, refusalOf, TUNNEL } from "./broken_request.ts";
import { breakConnection, type Connection, Connections, FIRST_REQUEST_MS } from "./connections.ts";
import { classOf, HandshakeFaults } from "./handshake_faults.ts";
import { type ConnectionLimits, MOST_REQUESTS_AHEAD } from "./limits.ts";
import { addressOf, makeRequestIds, toHttpRequest } from "./node_request.ts";
import { Listener } from "./listener.ts";
import { makeNodeServer, type TlsKeyPair } from "./node_server.ts";
import type { OpenAt } from "./opened.ts";
import { isOwnProbe } from "./own_probe.ts";
import { findValve } from "./read_valve.ts";
import { NodeRequestBody } from "./request_body.ts";
import { faultOfHead } from "./request_head.ts";
import { RequestMetrics } from "./request_metrics.ts";
import { beginRequest, ignoreMore, waitForTurn } from "./turns.ts";
import { closeAfterResponse, discardRest, lingersAfterResponse } from "./unread_body.ts";
import { dropResponse, writeHeldResponse, writeResponse } from "./write_response.ts";

export interface HttpServerOptions {
  readonly handle: (request: HttpRequest) => Promise<Handled>;
  readonly limits: ConnectionLimits;
  readonly log: Log;
  readonly metrics: Metrics;
  /** undefined for plain HTTP. */
  readonly tls: TlsKeyPair | undefined;
}

/** What the client waits for before it sends the body: nothing, `100 Continue`, or something that we do not know. */
type Expectation = "body" | "continue" | "unknown";

export class HttpServer {
  readonly #options: HttpServerOptions;
  readonly #listener: Listener;
  /** Whether it speaks TLS. */
  readonly secure: boolean;
  readonly #nextRequestId = makeRequestIds();
  readonly #connections: Connections;
  readonly #counts: RequestMetrics;
  /** Of all peers, where they have none of their own: those of a unix socket. */
  #peerAddress: string | undefined;
  #draining = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    this.secure = options.tls !== undefined;
    this.#connections = new Connections(options.limits.idleTimeoutMs);
    this.#counts = new RequestMetrics(options.metrics);
    this.#listener = new Listener((keyPair) => this.#makeServer(keyPair), options.tls, options.log);
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#connections.size;
  }

  /** As {@linkcode open} does at a TCP address; gives the port. */
  async listen(host: string, port: number): Promise<number> {
    const opened = await this.open({ kind: "tcp", host, port });
    return opened.kind === "tcp" ? opened.port : 0;
  }

  /** As {@linkcode Listener.open}; once. */
  async open(at: OpenAt, { mustStayLocal = false } = {}): Promise<ListenAddress> {
    const opened = await this.#listener.open(at, mustStayLocal);
    // By what it is and not by what was asked for: a socket that was handed over may be of another kind.
    this.#peerAddress = opened.kind === "unix" ? UNIX_PEER : undefined;
    return opened;
  }

  /** As {@linkcode Listener.openAgain}. */
  async openAgain(): Promise<boolean> {
    return !this.#draining && await this.#listener.openAgain();
  }

  /** Uses another certificate and key for the handshakes to come. */
  replaceKeyPair(keyPair: TlsKeyPair): void {
    this.#listener.replaceKeyPair(keyPair);
  }

  /**
   * Refuses new connections, lets requests under way end, and the first one of a connection that has only just come, and
   * cuts what is left after `timeoutMs`.
   */
  async drain(timeoutMs: number): Promise<void> {
    this.#draining = true;
    const closed = this.#listener.close();
    this.#connections.closeIdle(FIRST_REQUEST_MS);
    const young = setTimeout(() => this.#connections.closeIdle(0), FIRST_REQUEST_MS);
    let timer: ReturnType<typeof setTimeout> | undefined;
    const expired = new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs));
    await Promise.race([closed, expired]);
    clearTimeout(timer);
    clearTimeout(young);
    this.#connections.closeAll();
    await closed;
  }

  /** A server of node whose connections are this one's. */
  #makeServer(keyPair: TlsKeyPair | undefined): Server {
    const server = makeNodeServer(this.#options.limits, keyPair);
    this.#watchConnections(server);
    server.on("request", (request, response) => void this.#serve(request, response, "body"));
    server.on("checkContinue", (request, response) => void this.#serve(request, response, "continue"));
    server.on("checkExpectation", (request, response) => void this.#serve(request, response, "unknown"));
    return server;
  }

  #watchConnections(server: Server): void {
    const { log } = this.#options;
    const add = (socket: Socket): void => {
      const connection = this.#connections.add(socket);
      // With half-open connections allowed, node says nothing of a body that can never be whole.
      socket.on("end", () => {
        if (connection.newest?.body.arrived === false) this.#break(socket, "HPE_INVALID_EOF_STATE");
      });
    };
    server.on("connection", (socket: Socket) => {
      this.#counts.beginConnection();
      socket.once("close", () => this.#counts.endConnection());
      if (!this.secure) add(socket);
      else this.#connections.addHandshake(socket);
    });
    server.on("secureConnection", (socket: Socket) => {
      this.#counts.completeHandshake();
      add(socket);
    });
    server.on("clientError", (error: Error & { code?: string }, socket: Socket) => {
      // A handshake that failed: node tells of it here too.
      if (this.secure && this.#connections.of(socket) === undefined) return;
      log.debug("broken request", { peer: addressOf(socket), code: error.code });
      this.#break(socket, error.code);
    });
    // From here on node leaves the socket to us, its errors too.
    server.on("connect", (_request, socket: Socket) => {
      socket.on("error", ignore);
      endBrokenConnection(socket, TUNNEL);
    });
    // A failed handshake concerns one client; without a listener it would end the thread.
    const handshakes = new HandshakeFaults(log);
    server.on("tlsClientError", (error: Error, socket: Socket & { readonly _parent?: Socket }) => {
      if (!isOwnProbe(error)) {
        // The address of a TLS socket goes with its handshake; the one below still knows it.
        handshakes.tell(addressOf(socket._parent ?? socket), error);
        this.#counts.failHandshake(classOf(error));
      }
      socket.destroy();
    });
  }

  /** Nothing that comes on this connection can be read any more. */
  #break(socket: Socket, code: string | undefined): void {
    if (code === "ECONNRESET") {
      socket.destroy();
      return;
    }
    const refusal = refusalOf(code);
    this.#counts.refuseBroken(refusal.status.slice(0, 3));
    const end = (withAnswer: boolean): void => endBrokenConnection(socket, withAnswer ? refusal : undefined);
    const connection = this.#connections.of(socket);
    if (connection === undefined) end(true);
    else if (ignoreMore(connection)) breakConnection(connection, end);
    else socket.destroy();
  }

  async #serve(request: IncomingMessage, response: ServerResponse, expects: Expectation): Promise<void> {
    // A socket error is told by "close" to whoever reads or writes; unheard it would end the thread.
    response.on("error", ignore);
    request.on("error", ignore);
    const connection = this.#connections.of(request.socket);
    if (connection === undefined) return;
    if (connection.closing) {
      // Held back: over TLS the runtime would take in whatever comes of its body.
      if (ignoreMore(connection)) new NodeRequestBody(request, this.secure, this.#options.limits);
      else request.socket.destroy();
      return;
    }
    if (connection.underWay >= MOST_REQUESTS_AHEAD) {
      connection.closing = true;
      request.socket.destroy();
      return;
    }
    const id = this.#nextRequestId();
    this.#counts.begin();
    try {
      await this.#exchange(id, connection, request, response, expects);
    } catch (error) {
      this.#options.log.error("request failed outside the handler", { request: id, error });
      response.destroy();
    } finally {
      this.#counts.end();
    }
  }

  async #exchange(
    id: string,
    connection: Connection,
    request: IncomingMessage,
    response: ServerResponse,
    expects: Expectation,
  ): Promise<void> {
    const started = performance.now();
    const { limits, log } = this.#options;
    const { socket } = request;
    // Asked for now: a socket that is closed has no address.
    const peer = this.#peerAddress ?? addressOf(socket);
    const continueOn = expects === "continue" ? response : undefined;
    const mayRead = (): boolean => connection.waiting.size === 0;
    const body = new NodeRequestBody(request, this.secure, limits, continueOn, mayRead);
    const turn = beginRequest(connection, response, body);
    const refusal = faultOfHead(request, expects === "unknown");
    if (refusal !== undefined) connection.closing = true;
    else if (turn !== undefined) {
      await waitForTurn(turn, socket, body, this.secure ? findValve(request, true, mayRead) : undefined);
      if (connection.closing || socket.destroyed) return;
    }
    const handled = refusal === undefined
      ? await this.#handle(toHttpRequest(id, request, body, peer, this.secure))
      : answerFault(refusal, id, request.method!);
    if (this.#draining || closeAfterResponse(body, handled.response)) connection.closing = true;
    const hold = connection.closing && lingersAfterResponse(body, handled.response);
    const sent = connection.broken
      ? await dropResponse(handled.response)
      : hold
      ? await writeHeldResponse(response, handled.response)
      : await writeResponse(response, handled.response, connection.closing);
    if (!body.ended) discardRest(body, socket, hold ? response : undefined);
    const ms = performance.now() - started;
    this.#counts.count({
      operation: handled.action,
      status: handled.response.status,
      ms,
      received: body.received,
      sent: sent.bytes,
    });
    const { method = "", url: target = "" } = request;
    logRequest(log, { id, peer, method, target, handled, sent, ms });
  }

  async #handle(request: HttpRequest): Promise<Handled> {
    try {
      return await this.#options.handle(request);
    } catch (error) {
      return answerFault(error, request.id, request.method);
    }
  }
}

function answerFault(fault: unknown, id: string, method: string): Handled {
  const answer = respondToFault(fault, id);
  return {
    response: method === "HEAD" ? withoutBody(answer) : answer,
    action: undefined,
    ...(answer.status >= 500 && { fault }),
  };
}

function ignore(): void {}
