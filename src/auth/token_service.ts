/** Registry tokens: what `/token` gives for a credential, or for none, and what later requests bring back (RFC 7519). */
import { jwtVerify, SignJWT } from "jose";
import { OciError } from "../core/oci_error.ts";
import type { IssuedToken } from "../ports/token_issuer.ts";

/** Distinguishes our tokens from any other use of the same key. */
const TYPE = "simple-registry+jwt";

/** One algorithm, pinned: what a token's header says does not choose how it is verified. */
const ALGORITHM = "HS256";

/** Verified tokens remembered; each stays until it expires. */
const MOST_REMEMBERED = 10_000;

/**
 * ms by which a token may come from the future: clocks of servers that share a key differ a little. One that was given while
 * a clock was set ahead would otherwise be good for as long as that was wrong.
 */
const MOST_AHEAD_MS = 5 * 60 * 1000;

/** Characters of a token; ours have some 300. */
const LONGEST = 4096;

/** Who a token speaks for. A certificate never travels in one: it is read from each connection. */
export interface TokenHolder {
  /** The `<id>` of `[auth.identity.<id>]`; "" for nobody. */
  readonly id: string;
  /** "" for nobody. */
  readonly username: string;
}

interface Remembered {
  readonly holder: TokenHolder;
  /** ms since the epoch: it is good after `from` and before `until`. */
  readonly from: number;
  readonly until: number;
}

export class TokenService {
  readonly #key: Uint8Array;
  readonly #lifetimeSeconds: number;
  readonly #verified = new Map<string, Remembered>();

  /** @param key at least 32 random bytes, the same in every thread and after a restart */
  constructor(key: Uint8Array, lifetimeSeconds: number) {
    this.#key = key;
    this.#lifetimeSeconds = lifetimeSeconds;
  }

  /** @param now ms since the epoch */
  async issue(holder: TokenHolder, now: number): Promise<IssuedToken> {
    const seconds = Math.floor(now / 1000);
    const token = await new SignJWT({ id: holder.id, username: holder.username })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
      .setIssuedAt(seconds)
      .setExpirationTime(seconds + this.#lifetimeSeconds)
      .sign(this.#key);
    return { token, expiresInSeconds: this.#lifetimeSeconds, issuedAt: seconds * 1000 };
  }

  /**
   * @param now ms since the epoch
   * @throws {OciError} UNAUTHORIZED for a token that is not ours, has expired, or was given in the future
   */
  async verify(token: string, now: number): Promise<TokenHolder> {
    const remembered = this.#verified.get(token);
    if (remembered !== undefined && remembered.from <= now && now < remembered.until) {
      return remembered.holder;
    }
    this.#verified.delete(token);
    const verified = await this.#verifyNow(token, now);
    this.#verified.set(token, verified);
    for (const oldest of this.#verified.keys()) {
      if (this.#verified.size <= MOST_REMEMBERED) break;
      this.#verified.delete(oldest);
    }
    return verified.holder;
  }

  async #verifyNow(token: string, now: number): Promise<Remembered> {
    if (token.length > LONGEST) throw refused("it is too long to be one of this registry's");
    const verified = await this.#readSigned(token, now);
    if (now < verified.from) throw refused("the clock was set back since it was given, get a new one");
    return verified;
  }

  async #readSigned(token: string, now: number): Promise<Remembered> {
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: [ALGORITHM],
        typ: TYPE,
        currentDate: new Date(now),
        requiredClaims: ["exp", "iat"],
      });
      const { id, username, iat, exp } = payload;
      if (typeof id !== "string" || typeof username !== "string") throw new Error("no holder");
      return { holder: { id, username }, from: iat! * 1000 - MOST_AHEAD_MS, until: exp! * 1000 };
    } catch (error) {
      const expired = (error as { code?: string }).code === "ERR_JWT_EXPIRED";
      throw refused(expired ? "it has expired, get a new one" : "it is not one of this registry's");
    }
  }
}

function refused(reason: string): OciError {
  return new OciError("UNAUTHORIZED", { message: `The bearer token is refused: ${reason}` });
}
