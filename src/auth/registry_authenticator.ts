/** Finds out who sends a request: certificate, then password or token; they add up, and a bad one of any kind refuses. */
import type { CertificateFacts, Identity } from "../core/identity.ts";
import { OciError } from "../core/oci_error.ts";
import type { Authenticator, Credentials } from "../ports/authenticator.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { Metrics } from "../ports/metrics.ts";
import type { IssuedToken, TokenIssuer } from "../ports/token_issuer.ts";
import { AuthenticationCounts } from "./authentication_counts.ts";
import { readAuthorization } from "./basic_credentials.ts";
import type { AcceptedCertificate, RefusedCertificate } from "./certificate_verdict.ts";
import type { ClientAddress } from "./client_address.ts";
import type { PasswordChecker } from "./password_check.ts";
import type { TokenHolder, TokenService } from "./token_service.ts";
import type { VerdictCache } from "./verdict_cache.ts";

export interface AuthenticatorParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly addresses: ClientAddress;
  /** undefined where no client is asked for a certificate; `required` binds those that come over TLS. */
  readonly certificates: { readonly verdicts: VerdictCache; readonly required: boolean } | undefined;
  /** undefined where no `[auth.identity.<id>]` is configured. */
  readonly passwords: PasswordChecker | undefined;
  readonly tokens: TokenService | undefined;
  /** User names by the ids of `[auth.identity.<id>]`: a token of somebody who is there no more is refused. */
  readonly usernames: ReadonlyMap<string, string>;
}

const NOBODY: TokenHolder = { id: "", username: "" };

export class RegistryAuthenticator implements Authenticator, TokenIssuer {
  readonly #parts: AuthenticatorParts;
  readonly #counts: AuthenticationCounts;
  /** Connections whose refused certificate was logged: the server gives the same array for each request of one. */
  readonly #logged = new WeakSet<readonly Uint8Array[]>();
  /** Accepted verdicts by connection, so that its further requests hash no chain. */
  readonly #accepted = new WeakMap<readonly Uint8Array[], { verdict: AcceptedCertificate; from: number }>();

  readonly #usernames: ReadonlySet<string>;

  constructor(parts: AuthenticatorParts) {
    this.#parts = parts;
    this.#counts = new AuthenticationCounts(parts.metrics);
    this.#usernames = new Set(parts.usernames.values());
  }

  async identify(credentials: Credentials): Promise<Identity> {
    const clientIp = this.#parts.addresses.find(credentials.peerAddress, credentials.forwardedFor);
    const certificate = await this.#checkCertificate(credentials, clientIp);
    const { id, username } = await this.#checkAuthorization(credentials.authorization, clientIp);
    if (certificate === undefined && credentials.authorization === undefined) {
      this.#counts.count("none", "accepted");
    }
    return { clientIp, id, username, certificate };
  }

  async issueToken({ id, username }: Identity): Promise<IssuedToken> {
    const { tokens, clock } = this.#parts;
    if (tokens === undefined) throw new Error("the token service is off");
    return await tokens.issue({ id, username }, clock.now());
  }

  async #checkCertificate(
    { certificateChain: chain, secure }: Credentials,
    clientIp: string,
  ): Promise<CertificateFacts | undefined> {
    const { certificates, clock, log } = this.#parts;
    if (certificates === undefined) return undefined;
    if (chain === undefined) {
      if (!certificates.required || !secure) return undefined;
      this.#counts.count("certificate", "missing");
      throw new OciError("UNAUTHORIZED", {
        message: "Authentication required: this registry asks for a client certificate",
      });
    }
    const { verdicts } = certificates;
    const now = clock.now();
    const known = this.#accepted.get(chain);
    // Before `from` the clock was set back: then nothing that was found out holds.
    if (known !== undefined && known.from <= now && now <= known.verdict.validUntil) {
      this.#counts.count("certificate", "accepted");
      return known.verdict.facts;
    }
    const onStep = (step: string) => log.debug("certificate check", { client_ip: clientIp, step });
    const verdict = await verdicts.verify(chain, now, onStep);
    this.#counts.count("certificate", verdict.accepted ? "accepted" : verdict.code);
    if (verdict.accepted) {
      this.#accepted.set(chain, { verdict, from: now });
      return verdict.facts;
    }
    if (!this.#logged.has(chain)) {
      this.#logged.add(chain);
      logRefusal(log, clientIp, verdict);
    }
    // Never anonymous, and never again on this connection: the client is to come back with another certificate.
    throw new OciError("DENIED", { message: verdict.reason, headers: { connection: "close" } });
  }

  async #checkAuthorization(header: string | undefined, address: string): Promise<TokenHolder> {
    const offered = this.#readAuthorization(header);
    switch (offered.kind) {
      case "none":
        return NOBODY;
      case "basic": {
        const { username, password } = offered;
        return await this.#checkPassword(username, password, address);
      }
      case "bearer":
        return await this.#checkToken(offered.token);
    }
  }

  #readAuthorization(header: string | undefined): ReturnType<typeof readAuthorization> {
    try {
      return readAuthorization(header);
    } catch (fault) {
      this.#counts.count("none", "malformed");
      throw fault;
    }
  }

  async #checkPassword(username: string, password: string, address: string): Promise<TokenHolder> {
    const { passwords, log } = this.#parts;
    if (passwords === undefined) {
      this.#counts.count("password", "not_configured");
      throw new OciError("UNAUTHORIZED", {
        message: "Authentication failed: this registry knows no passwords",
      });
    }
    const answer = await passwords.check({ username, password, address });
    this.#counts.count("password", answer.kind === "refused" ? "wrong" : answer.kind);
    switch (answer.kind) {
      case "accepted":
        return { id: answer.id, username: answer.username };
      case "refused":
        // A name that nobody has may be a password that was typed in the wrong place.
        log.warn("wrong user name or password", {
          client_ip: address,
          ...(this.#usernames.has(username) && { username }),
        });
        throw new OciError("UNAUTHORIZED", { message: "Authentication failed: wrong user name or password" });
      case "limited":
        throw new OciError("TOOMANYREQUESTS", {
          message: `Too many wrong passwords from ${address}: try again in ${answer.retryAfterSeconds} s`,
          headers: { "retry-after": String(answer.retryAfterSeconds) },
        });
      case "busy":
        throw new OciError("TOOMANYREQUESTS", {
          message: `Too many passwords are waiting to be checked: try again in ${answer.retryAfterSeconds} s`,
          headers: { "retry-after": String(answer.retryAfterSeconds) },
        });
    }
  }

  async #checkToken(token: string): Promise<TokenHolder> {
    const { tokens, clock, usernames } = this.#parts;
    if (tokens === undefined) {
      this.#counts.count("token", "not_configured");
      throw new OciError("UNAUTHORIZED", { message: "Authentication failed: this registry takes no tokens" });
    }
    const holder = await this.#verifyToken(tokens, token, clock.now());
    const known = holder.id === "" ? NOBODY.username : usernames.get(holder.id);
    if (known !== holder.username) {
      this.#counts.count("token", "unknown_user");
      throw new OciError("UNAUTHORIZED", {
        message: "The bearer token is refused: its user is known no more",
      });
    }
    this.#counts.count("token", "accepted");
    return holder;
  }

  async #verifyToken(tokens: TokenService, token: string, now: number): Promise<TokenHolder> {
    try {
      return await tokens.verify(token, now);
    } catch (fault) {
      this.#counts.count("token", "wrong");
      throw fault;
    }
  }
}

function logRefusal(
  log: Log,
  clientIp: string,
  { code, reason, subject, issuer, serial, fingerprint, cause }: RefusedCertificate,
) {
  log.warn("client certificate refused", {
    client_ip: clientIp,
    code,
    reason,
    subject,
    issuer,
    serial,
    fingerprint,
    ...(cause !== undefined && { error: cause }),
  });
}
