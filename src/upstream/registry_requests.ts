/** Requests to a registry: with the credentials that it wants, through redirects, held back where a host fails. */
import { UpstreamFault } from "../core/upstream_fault.ts";
import { CircuitBreakers } from "./circuit_breakers.ts";
import type { Answer, Exchanges } from "./exchange.ts";
import { readRetryAfter } from "./retry_after.ts";
import { UpstreamCredentials } from "./upstream_credentials.ts";
import type { UpstreamTarget } from "./upstream_target.ts";

export interface RegistryRequest {
  readonly method: "GET" | "HEAD";
  readonly url: URL;
  /** The right that the request needs, as token services name it: `repository:NAME:pull`. */
  readonly scope: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses that say, beside 404, that there is no such thing. */
  readonly absent?: ReadonlySet<number>;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);

export class RegistryRequests {
  readonly #target: UpstreamTarget;
  readonly #base: URL;
  readonly #exchanges: Exchanges;
  readonly #breakers = new CircuitBreakers(() => performance.now());
  readonly #credentials: UpstreamCredentials;

  /** @param base the URL that is really asked */
  constructor(target: UpstreamTarget, base: URL, exchanges: Exchanges) {
    this.#target = target;
    this.#base = base;
    this.#exchanges = exchanges;
    this.#credentials = new UpstreamCredentials(
      target,
      base,
      (url, authorization) => this.#askOnce("GET", url, authorization === undefined ? {} : { authorization }),
    );
  }

  /**
   * The answer, of status 2xx or 304, or undefined for one that says that there is no such thing.
   *
   * @throws {UpstreamFault}
   */
  async send(request: RegistryRequest): Promise<Answer | undefined> {
    let authorization = await this.#credentials.find(request.scope);
    let answer = await this.#follow(request, authorization);
    if (answer.status === 401) {
      await answer.body.discard();
      const challenge = answer.header("www-authenticate");
      authorization = await this.#credentials.renew(challenge, request.scope, authorization);
      answer = await this.#follow(request, authorization);
    }
    const { status } = answer;
    if ((status >= 200 && status < 300) || status === 304) return answer;
    await answer.body.discard();
    if (status === 404 || request.absent?.has(status)) return undefined;
    throw this.#faultOf(answer);
  }

  /** Follows redirects. Only the configured origin sees credentials. */
  async #follow(
    { method, url, headers }: RegistryRequest,
    authorization: string | undefined,
  ): Promise<Answer> {
    let at = url;
    for (let redirects = 0;; redirects++) {
      const own = at.origin === this.#base.origin;
      const answer = await this.#askOnce(method, at, {
        ...headers,
        ...(own && authorization !== undefined && { authorization }),
      });
      const location = REDIRECTS.has(answer.status) ? answer.header("location") : undefined;
      if (location === undefined) {
        if (own || (answer.status !== 401 && answer.status !== 403)) return answer;
        await answer.body.discard();
        throw new UpstreamFault(
          "broken",
          `"${this.#base.host}" leads to "${at.host}", which answers ${answer.status}`,
        );
      }
      await answer.body.discard();
      if (redirects === this.#target.maxRedirects) {
        throw new UpstreamFault(
          "unsafe",
          `"${this.#base.host}" leads on more than ${redirects} times (max_redirect)`,
        );
      }
      at = this.#redirectTo(location, at);
    }
  }

  #redirectTo(location: string, from: URL): URL {
    const to = URL.parse(location, from);
    if (to === null || !/^https?:$/.test(to.protocol) || to.username !== "" || to.password !== "") {
      throw new UpstreamFault("unsafe", `"${from.host}" leads to a place that is no HTTP server`);
    }
    if (from.protocol === "https:" && to.protocol === "http:") {
      throw new UpstreamFault("unsafe", `"${from.host}" leads from https to plain http at "${to.host}"`);
    }
    return to;
  }

  async #askOnce(
    method: "GET" | "HEAD",
    url: URL,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const breaker = this.#breakers.of(url);
    breaker.enter();
    let answer: Answer;
    try {
      answer = await this.#exchanges.send({
        method,
        url,
        headers: { "user-agent": "simple-registry", "accept-encoding": "identity", ...headers },
        configured: url.origin === this.#base.origin,
      });
    } catch (fault) {
      const kind = fault instanceof UpstreamFault ? fault.kind : undefined;
      if (kind === "unsafe" || kind === undefined) breaker.left();
      else if (kind === "broken") breaker.broke((fault as Error).message);
      else breaker.failed((fault as Error).message);
      throw fault;
    }
    breaker.answered(answer.status);
    if (answer.status !== 429) return answer;
    await answer.body.discard();
    throw breaker.limit(readRetryAfter(answer.header("retry-after"), Date.now()));
  }

  #faultOf({ status, header }: Answer): UpstreamFault {
    const { host } = this.#base;
    if (status === 401 || status === 403) {
      const whose = this.#target.username === undefined
        ? "without credentials"
        : "with the configured credentials";
      return new UpstreamFault("denied", `"${host}" answers ${status} to a request ${whose}`);
    }
    const retryAfterMs = readRetryAfter(header("retry-after"), Date.now());
    const options = retryAfterMs === undefined ? {} : { retryAfterMs };
    return new UpstreamFault("broken", `"${host}" answers ${status}`, options);
  }
}
