/** One question to an authorization webhook: the headers that describe the request, and the status that comes back. */
import { Agent as HttpAgent, request as requestHttp } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";
import type { Caller } from "../core/caller.ts";
import type { Operation } from "../core/operation.ts";
import { formatReference } from "../core/reference.ts";

/** One `[auth.webhook.<name>]`, files read. */
export interface WebhookTarget {
  readonly name: string;
  readonly url: string;
  readonly timeoutMs: number;
  /** Value of the `Authorization` header that the registry shows the webhook; undefined for none. */
  readonly authorization: string | undefined;
  /** PEM. */
  readonly clientCertificate: { readonly certificate: string; readonly privateKey: string } | undefined;
  /** PEM; undefined trusts the system's CAs. */
  readonly serverCa: string | undefined;
  /** Lower-case names of the client's header fields that are passed on. */
  readonly forwardHeaders: readonly string[];
  /** ms that an answer is remembered; 0 remembers none. */
  readonly cacheTtlMs: number;
}

/** Header fields to send, each value a field of its own: joined by commas, a name with a comma in it would read as two. */
export type WebhookHeaders = Readonly<Record<string, readonly string[]>>;

/** Describes a request in the words of the original's webhook protocol. Absent things have no field. */
export function describeRequest(target: WebhookTarget, caller: Caller, operation: Operation): WebhookHeaders {
  const { identity, request } = caller;
  const { certificate } = identity;
  const fields: Record<string, readonly (string | undefined)[]> = {
    "x-forwarded-method": [request.method],
    "x-forwarded-proto": [request.scheme],
    "x-forwarded-host": [request.host],
    "x-forwarded-uri": [request.target],
    "x-forwarded-for": [identity.clientIp],
    "x-registry-action": [operation.action],
    "x-registry-namespace": ["repository" in operation ? operation.repository : undefined],
    "x-registry-reference": ["reference" in operation ? formatReference(operation.reference) : undefined],
    "x-registry-digest": ["digest" in operation ? operation.digest : undefined],
    "x-registry-username": [identity.username],
    "x-registry-identity-id": [identity.id],
    "x-registry-certificate-cn": certificate?.commonNames ?? [],
    "x-registry-certificate-o": certificate?.organizations ?? [],
  };
  for (const name of target.forwardHeaders) {
    // What the client sends must not pass for what the registry says.
    if (!(name in fields)) fields[name] = request.headerValues(name);
  }
  return Object.fromEntries(
    Object.entries(fields)
      .map(([name, values]) =>
        [name, values.filter((value) => value !== undefined && value !== "").map(asHeader)] as const
      )
      .filter(([, values]) => values.length > 0),
  );
}

/** Asks a webhook; reuses its connections. */
export class WebhookClient {
  readonly #target: WebhookTarget;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(target: WebhookTarget) {
    this.#target = target;
    this.#agent = target.url.startsWith("https:")
      ? new HttpsAgent({
        keepAlive: true,
        ...(target.serverCa !== undefined && { ca: target.serverCa }),
        ...(target.clientCertificate !== undefined && {
          cert: target.clientCertificate.certificate,
          key: target.clientCertificate.privateKey,
        }),
      })
      : new HttpAgent({ keepAlive: true });
  }

  /**
   * Sends the question and gives the status of the answer; redirects are not followed.
   *
   * @throws when there is no answer within the timeout
   */
  ask(headers: WebhookHeaders): Promise<number> {
    const { url, timeoutMs, authorization } = this.#target;
    return new Promise((resolve, reject) => {
      const send = url.startsWith("https:") ? requestHttps : requestHttp;
      const request = send(url, {
        method: "GET",
        agent: this.#agent,
        headers: { ...headers, ...(authorization !== undefined && { authorization }) },
      });
      const timer = setTimeout(() => {
        request.destroy(new Error(`no answer within ${timeoutMs} ms`));
      }, timeoutMs);
      request.on("error", (error) => {
        clearTimeout(timer);
        reject(error);
      });
      request.on("response", (response) => {
        clearTimeout(timer);
        // The body means nothing; reading it frees the connection for the next question.
        response.on("error", () => {});
        response.resume();
        resolve(response.statusCode!);
      });
      request.end();
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** UTF-8 bytes in the form in which node:http sends a header; line breaks cannot occur in what is described here. */
function asHeader(value: string | undefined): string {
  return String.fromCharCode(...new TextEncoder().encode(value)).replace(/[\r\n\0]/g, "");
}
