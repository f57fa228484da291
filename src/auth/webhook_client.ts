/** Asks an authorization webhook over HTTP or HTTPS, and reads no more of its answer than the status. */
import {
  Agent as HttpAgent,
  type ClientRequest,
  type IncomingMessage,
  request as requestHttp,
} from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { WebhookHeaders } from "./webhook_request.ts";

/** One `[auth.webhook.<name>]`, files read. */
export interface WebhookTarget {
  readonly name: string;
  readonly url: string;
  readonly timeoutMs: number;
  /** Value of the `Authorization` header that the registry shows the webhook; undefined for none. */
  readonly authorization: string | undefined;
  /** PEM. */
  readonly clientCertificate: { readonly certificate: string; readonly privateKey: string } | undefined;
  /** PEM. A thread that serves clients cannot read the system's CAs, so they have to be named here for https. */
  readonly serverCa: string | undefined;
  /** Lower-case names of the client's header fields that are passed on. */
  readonly forwardHeaders: readonly string[];
  /** ms that an answer is remembered; 0 remembers none. */
  readonly cacheTtlMs: number;
}

/** Connections to one webhook; further questions wait for one, and count the wait as theirs. */
const MOST_CONNECTIONS = 64;

/** Bytes of an answer's body that are read to keep its connection. */
const LONGEST_BODY = 64 * 1024;

export class WebhookClient {
  readonly #target: WebhookTarget;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(target: WebhookTarget) {
    this.#target = target;
    const { clientCertificate: client, serverCa } = target;
    const options = { keepAlive: true, maxSockets: MOST_CONNECTIONS };
    this.#agent = isHttps(target)
      ? new HttpsAgent({
        ...options,
        rejectUnauthorized: true,
        ...(serverCa !== undefined && { ca: serverCa }),
        ...(client !== undefined && { cert: client.certificate, key: client.privateKey }),
      })
      : new HttpAgent(options);
  }

  /**
   * Sends the question and gives the status of the answer; redirects are not followed.
   *
   * @throws when there is no answer within the timeout
   */
  ask(headers: WebhookHeaders): Promise<number> {
    const { timeoutMs } = this.#target;
    return new Promise((resolve, reject) => {
      let request: ClientRequest | undefined;
      // Goes on until the body has ended: one that never does must not keep its connection.
      const timer = setTimeout(() => end(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      const end = (fault: unknown): void => {
        clearTimeout(timer);
        reject(fault);
        if (request === undefined) return;
        // On Deno 2.9 a request that is destroyed on a connection which was used before is sent once more on another one.
        request.reusedSocket = false;
        request.destroy();
      };
      const send = (): void => {
        let answered = false;
        const sent = request = this.#open(headers);
        sent.on("response", (response) => {
          answered = true;
          resolve(response.statusCode!);
          discardBody(sent, response, () => clearTimeout(timer));
        });
        sent.on("error", (fault) => {
          // The webhook may close idle connections at the moment when one is used again; a new one has no such excuse.
          if (sent.reusedSocket && !answered && isClosedByPeer(fault)) attempt();
          else end(fault);
        });
        sent.on("upgrade", () => end(new Error("the answer changes the protocol")));
        sent.end();
      };
      const attempt = (): void => {
        try {
          send();
        } catch (fault) {
          end(fault);
        }
      };
      attempt();
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  #open(headers: WebhookHeaders): ClientRequest {
    const { url, authorization } = this.#target;
    return (isHttps(this.#target) ? requestHttps : requestHttp)(url, {
      method: "GET",
      agent: this.#agent,
      headers: { ...headers, ...(authorization !== undefined && { authorization }) },
    });
  }
}

function isHttps({ url }: WebhookTarget): boolean {
  return /^https:/i.test(url);
}

function isClosedByPeer(fault: Error & { code?: string }): boolean {
  return fault.code === "ECONNRESET" || fault.code === "EPIPE";
}

/** The body means nothing; reading a short one frees the connection for the next question. */
function discardBody(request: ClientRequest, response: IncomingMessage, done: () => void): void {
  let left = LONGEST_BODY;
  response.on("data", (chunk: Uint8Array) => {
    left -= chunk.length;
    if (left < 0) request.destroy();
  });
  response.on("error", () => {});
  response.on("close", done);
}
