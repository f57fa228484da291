/** What an upstream wants to see before it answers: a password, or a token that a service gives for one or for nothing. */
import { parseStrictJson } from "../core/strict_json.ts";
import { UpstreamFault } from "../core/upstream_fault.ts";
import { readChallenge } from "./auth_challenge.ts";
import type { Answer } from "./exchange.ts";
import { isTrustedRealm } from "./realm_trust.ts";
import type { UpstreamTarget } from "./upstream_target.ts";

/** Bytes of a token service's answer, and of a token in it: what fits into a header. */
const LONGEST_ANSWER = 64 * 1024;
const LONGEST_TOKEN = 32 * 1024;

/** Seconds that a token holds where its service does not say (distribution's token specification). */
const DEFAULT_LIFETIME = 60;
const LONGEST_LIFETIME = 3600;

/** Tokens kept; one for each repository. */
const MOST_TOKENS = 1000;

interface TokenService {
  readonly realm: URL;
  readonly service: string | undefined;
}

interface Token {
  readonly text: string;
  /** ms of the steady clock. */
  readonly until: number;
}

export class UpstreamCredentials {
  readonly #target: UpstreamTarget;
  readonly #base: URL;
  readonly #ask: (url: URL, authorization: string | undefined) => Promise<Answer>;
  /** As the last challenge said, so that later requests need none. */
  #scheme: "basic" | TokenService | undefined;
  readonly #tokens = new Map<string, Token>();
  readonly #asked = new Map<string, Promise<string>>();

  /** @param ask sends a GET to a token service */
  constructor(
    target: UpstreamTarget,
    base: URL,
    ask: (url: URL, authorization: string | undefined) => Promise<Answer>,
  ) {
    this.#target = target;
    this.#base = base;
    this.#ask = ask;
  }

  /** Value of the `Authorization` header as far as it is known what the upstream wants. @throws {UpstreamFault} */
  async find(scope: string): Promise<string | undefined> {
    if (this.#scheme === undefined) return undefined;
    if (this.#scheme === "basic") return this.#basic();
    return await this.#tokenFor(this.#scheme, scope);
  }

  /**
   * The value that answers a challenge.
   *
   * @param used the value that was refused
   * @throws {UpstreamFault} where there is no other
   */
  async renew(challengeHeader: string | undefined, scope: string, used: string | undefined): Promise<string> {
    const { host } = this.#base;
    const challenge = readChallenge(challengeHeader);
    if (challenge === undefined) {
      throw new UpstreamFault("denied", `"${host}" answers 401 and wants neither a password nor a token`);
    }
    if (challenge.scheme === "basic") {
      const basic = this.#basic();
      if (basic === undefined) {
        throw new UpstreamFault(
          "denied",
          `"${host}" wants a user name and a password, and none is configured`,
        );
      }
      if (used === basic) throw new UpstreamFault("denied", `"${host}" refuses the configured password`);
      this.#scheme = "basic";
      return basic;
    }
    const service = { realm: this.#trustedRealm(challenge.realm), service: challenge.service };
    this.#scheme = service;
    if (this.#tokens.get(scope)?.text === used?.slice("Bearer ".length)) this.#tokens.delete(scope);
    return await this.#tokenFor(service, scope, challenge.scope);
  }

  #basic(): string | undefined {
    const { username, password } = this.#target;
    if (username === undefined || password === undefined) return undefined;
    return `Basic ${new TextEncoder().encode(`${username}:${password}`).toBase64()}`;
  }

  #trustedRealm(text: string): URL {
    const realm = URL.parse(text);
    if (realm === null || !/^https?:$/.test(realm.protocol)) {
      throw new UpstreamFault("unsafe", `"${this.#base.host}" names a token service that is no URL`);
    }
    if (isTrustedRealm(realm, this.#base, this.#target.tokenRealms)) return realm;
    throw new UpstreamFault(
      "unsafe",
      `"${this.#base.host}" names the token service "${realm.origin}", which is not of its site: ` +
        `list "${realm.host}" in token_realms if it is meant`,
    );
  }

  #tokenFor(service: TokenService, scope: string, askedScope = scope): Promise<string> {
    const token = this.#tokens.get(scope);
    if (token !== undefined && token.until > performance.now()) {
      return Promise.resolve(`Bearer ${token.text}`);
    }
    const underWay = this.#asked.get(scope);
    if (underWay !== undefined) return underWay;
    const asked = this.#fetchToken(service, scope, askedScope).finally(() => this.#asked.delete(scope));
    this.#asked.set(scope, asked);
    return asked;
  }

  async #fetchToken({ realm, service }: TokenService, scope: string, askedScope: string): Promise<string> {
    const url = new URL(realm);
    url.hash = "";
    if (service !== undefined) url.searchParams.set("service", service);
    url.searchParams.set("scope", askedScope);
    const { status, body } = await this.#ask(url, this.#basic());
    if (status !== 200) {
      await body.discard();
      const kind = status >= 500 ? "broken" : "denied";
      throw new UpstreamFault(kind, `the token service "${realm.host}" answers ${status}`);
    }
    const token = readToken(await body.readWhole(LONGEST_ANSWER, "a token"));
    if (token === undefined) {
      throw new UpstreamFault(
        "broken",
        `the token service "${realm.host}" gives no token that could be used`,
      );
    }
    this.#keep(scope, token);
    return `Bearer ${token.text}`;
  }

  #keep(scope: string, token: Token): void {
    this.#tokens.delete(scope);
    this.#tokens.set(scope, token);
    for (const oldest of this.#tokens.keys()) {
      if (this.#tokens.size <= MOST_TOKENS) break;
      this.#tokens.delete(oldest);
    }
  }
}

function readToken(bytes: Uint8Array): Token | undefined {
  let answer: unknown;
  try {
    answer = parseStrictJson(bytes);
  } catch {
    return undefined;
  }
  if (typeof answer !== "object" || answer === null) return undefined;
  const { token, access_token, expires_in } = answer as Record<string, unknown>;
  const text = typeof token === "string" && token !== "" ? token : access_token;
  // It goes into a header: nothing in it may end one.
  if (typeof text !== "string" || text.length > LONGEST_TOKEN || !/^[!-~]+$/.test(text)) return undefined;
  const seconds = typeof expires_in === "number" && expires_in > 0
    ? Math.min(expires_in, LONGEST_LIFETIME)
    : DEFAULT_LIFETIME;
  // Used up to three quarters of its life, so that it does not end on the way.
  return { text, until: performance.now() + seconds * 750 };
}
