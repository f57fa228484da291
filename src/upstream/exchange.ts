/** One request to one host and the head of its answer: no redirects, no credentials of its own, bounded in time. */
import {
  type Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as requestHttp,
} from "node:http";
import { request as requestHttps, type RequestOptions } from "node:https";
import { UpstreamFault } from "../core/upstream_fault.ts";
import type { AddressGuard } from "./address_guard.ts";
import type { HostAddresses } from "./host_addresses.ts";
import { makeTcpAgent, PinnedTlsAgent, type TlsFiles } from "./pinned_agent.ts";
import { ResponseBody } from "./response_body.ts";

export interface ExchangeRequest {
  readonly method: "GET" | "HEAD";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the host is the one that the configuration names: it may be in a private network, and sees our certificate. */
  readonly configured: boolean;
  /** Ends the exchange early. */
  readonly signal?: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** The only or first value; names in lower case. */
  readonly header: (name: string) => string | undefined;
  readonly body: ResponseBody;
}

export interface ExchangeOptions {
  readonly addresses: HostAddresses;
  readonly guard: AddressGuard;
  readonly tls: TlsFiles;
  readonly connectTimeoutMs: number;
  readonly readTimeoutMs: number;
}

/** Bytes of all header fields of an answer. */
const MOST_HEADER_BYTES = 64 * 1024;

/** The least of the time for a connection that one of several addresses gets; ms. */
const SHORTEST_TRY = 1000;

export class Exchanges {
  readonly #options: ExchangeOptions;
  readonly #tcp = makeTcpAgent();
  readonly #own: PinnedTlsAgent;
  readonly #foreign: PinnedTlsAgent;

  constructor(options: ExchangeOptions) {
    this.#options = options;
    const { trustedCas } = options.tls;
    this.#own = new PinnedTlsAgent(options.tls);
    this.#foreign = new PinnedTlsAgent({ trustedCas, clientCertificate: undefined });
  }

  /**
   * Sends the request to the first address of the host that can be connected to.
   *
   * @throws {UpstreamFault}
   */
  async send(request: ExchangeRequest): Promise<Answer> {
    const { addresses, guard, connectTimeoutMs } = this.#options;
    const { hostname } = request.url;
    const until = performance.now() + connectTimeoutMs;
    const found = await this.#findInTime(hostname);
    const candidates = guard.require(hostname, found, request.configured);
    let fault: unknown;
    for (const [index, address] of candidates.entries()) {
      const left = (until - performance.now()) / (candidates.length - index);
      try {
        return await this.#sendTo(address, request, Math.max(left, SHORTEST_TRY));
      } catch (thrown) {
        if (!(thrown instanceof NotConnected)) throw thrown;
        fault ??= thrown.fault;
        if (performance.now() >= until) break;
      }
    }
    addresses.forget(hostname);
    throw fault;
  }

  /** Ends connections without a request. */
  close(): void {
    for (const agent of [this.#tcp, this.#own, this.#foreign]) agent.destroy();
  }

  /** A name server that does not answer is waited for much longer by the system. */
  async #findInTime(hostname: string): Promise<readonly string[]> {
    const { addresses, connectTimeoutMs } = this.#options;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const expired = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const seconds = connectTimeoutMs / 1000;
        reject(new UpstreamFault("timeout", `the name "${hostname}" was not looked up within ${seconds} s`));
      }, connectTimeoutMs);
    });
    try {
      return await Promise.race([addresses.find(hostname), expired]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #sendTo(address: string, request: ExchangeRequest, connectMs: number): Promise<Answer> {
    try {
      return await this.#attempt(address, request, connectMs);
    } catch (fault) {
      // The server may close an idle connection at the moment when it is used again; a new one has no such excuse.
      if (!(fault instanceof ClosedWhenReused)) throw fault;
      return await this.#attempt(address, request, connectMs);
    }
  }

  #attempt(address: string, asked: ExchangeRequest, connectMs: number): Promise<Answer> {
    const { url, method, headers, configured, signal } = asked;
    const { readTimeoutMs } = this.#options;
    const secure = url.protocol === "https:";
    return new Promise((resolve, reject) => {
      let connected = false;
      let timer: ReturnType<typeof setTimeout> | undefined;
      let request: ClientRequest | undefined;
      const end = (fault: unknown): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        reject(fault);
        if (request === undefined) return;
        // On Deno 2.9 a request that is destroyed on a connection which was used before is sent once more on another one.
        request.reusedSocket = false;
        request.destroy();
      };
      const onAbort = (): void => end(signal!.reason);
      const expire = (ms: number, fault: () => unknown): void => {
        clearTimeout(timer);
        timer = setTimeout(() => end(fault()), ms);
      };
      const onConnected = (): void => {
        connected = true;
        expire(
          readTimeoutMs,
          () => new UpstreamFault("timeout", `"${url.host}" gave no answer within ${readTimeoutMs / 1000} s`),
        );
      };
      if (signal?.aborted) return reject(signal.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      expire(connectMs, () => {
        const message = `"${url.host}" could not be connected to within ${Math.ceil(connectMs / 1000)} s`;
        return new NotConnected(new UpstreamFault("timeout", message));
      });
      try {
        request = (secure ? requestHttps : requestHttp)(
          {
            method,
            host: address,
            port: url.port || (secure ? 443 : 80),
            path: `${url.pathname}${url.search}`,
            servername: url.hostname.replace(/^\[|\]$/g, ""),
            headers: { ...headers, host: url.host },
            agent: this.#agentFor(secure, configured),
            maxHeaderSize: MOST_HEADER_BYTES,
          } as RequestOptions,
        );
      } catch (fault) {
        return end(fault);
      }
      const sent = request;
      sent.on("socket", (socket) => {
        if (sent.reusedSocket) return onConnected();
        socket.once(secure ? "secureConnect" : "connect", onConnected);
      });
      sent.on("response", (response) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        resolve(answerOf(response, url.host, readTimeoutMs));
      });
      sent.on("upgrade", () => end(new UpstreamFault("broken", `"${url.host}" changes the protocol`)));
      sent.on("error", (fault: Error & { code?: string }) => {
        if (sent.reusedSocket && isClosedByPeer(fault)) return end(new ClosedWhenReused());
        if (connected) {
          end(
            new UpstreamFault("broken", `"${url.host}" gave no answer: ${fault.message}`, { cause: fault }),
          );
        } else end(new NotConnected(notConnected(url, fault)));
      });
      sent.end();
    });
  }

  #agentFor(secure: boolean, configured: boolean): HttpAgent {
    if (!secure) return this.#tcp;
    return configured ? this.#own : this.#foreign;
  }
}

/** Another address may do. */
class NotConnected extends Error {
  constructor(readonly fault: UpstreamFault) {
    super(fault.message);
  }
}

class ClosedWhenReused extends Error {}

function notConnected({ host }: URL, fault: Error): UpstreamFault {
  return new UpstreamFault("unreachable", `"${host}" could not be connected to: ${fault.message}`, {
    cause: fault,
  });
}

function isClosedByPeer(fault: Error & { code?: string }): boolean {
  return fault.code === "ECONNRESET" || fault.code === "EPIPE";
}

function answerOf(response: IncomingMessage, host: string, stallMs: number): Answer {
  return {
    status: response.statusCode!,
    header: (name) => {
      const value = response.headers[name];
      return Array.isArray(value) ? value[0] : value;
    },
    body: new ResponseBody(response, host, stallMs),
  };
}
