/** Checks user names and passwords against the configured identities; slow on purpose, so it lives in a thread of its own. */
import { createHash } from "node:crypto";
import { FailureLimit, networkOf } from "./failure_limit.ts";
import { verifyPassword } from "./password_hash.ts";

/** One `[auth.identity.<id>]`. */
export interface PasswordIdentity {
  readonly id: string;
  readonly username: string;
  /** PHC form. */
  readonly passwordHash: string;
}

export interface PasswordQuestion {
  readonly username: string;
  readonly password: string;
  /** Address of the peer, for the limit on failures. */
  readonly address: string;
}

export type PasswordAnswer =
  | { readonly kind: "accepted"; readonly id: string; readonly username: string }
  | { readonly kind: "refused" }
  /** Too many wrong passwords came from this address. */
  | { readonly kind: "limited"; readonly retryAfterSeconds: number }
  /** Too many questions are waiting. */
  | { readonly kind: "busy"; readonly retryAfterSeconds: number };

/** Somebody who answers questions about passwords, here or in another thread. */
export interface PasswordChecker {
  check(question: PasswordQuestion): Promise<PasswordAnswer>;
}

/** Questions that wait at most; each costs tens of milliseconds, so more would wait for seconds. */
const MOST_WAITING = 64;

/** Of one address, so that it cannot keep everybody else out. */
const MOST_WAITING_OF_ONE = 32;

export class PasswordCheck implements PasswordChecker {
  readonly #byUsername: ReadonlyMap<string, PasswordIdentity>;
  /** One of them is verified when the user is unknown, so that both take the same time. */
  readonly #hashes: readonly string[];
  readonly #failures = new FailureLimit();
  readonly #steadyNow: () => number;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  readonly #waitingOf = new Map<string, number>();

  /** @param steadyNow ms of a clock that nobody sets */
  constructor(identities: readonly PasswordIdentity[], steadyNow: () => number) {
    this.#byUsername = new Map(identities.map((identity) => [identity.username, identity]));
    this.#steadyNow = steadyNow;
    this.#hashes = identities.map((identity) => identity.passwordHash);
  }

  async check(question: PasswordQuestion): Promise<PasswordAnswer> {
    const limited = this.#limitOf(question.address);
    if (limited !== undefined) return limited;
    const network = networkOf(question.address);
    const ofOne = this.#waitingOf.get(network) ?? 0;
    if (this.#waiting >= MOST_WAITING || ofOne >= MOST_WAITING_OF_ONE) {
      return { kind: "busy", retryAfterSeconds: 1 };
    }
    this.#waiting++;
    this.#waitingOf.set(network, ofOne + 1);
    // One at a time: each takes its memory, and a flood of them must leave the cores to others.
    const turn = this.#last.then(() => this.#checkNow(question));
    this.#last = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.#waiting--;
      const left = this.#waitingOf.get(network)! - 1;
      if (left === 0) this.#waitingOf.delete(network);
      else this.#waitingOf.set(network, left);
    }
  }

  async #checkNow({ username, password, address }: PasswordQuestion): Promise<PasswordAnswer> {
    const limited = this.#limitOf(address);
    if (limited !== undefined) return limited;
    const identity = this.#byUsername.get(username);
    const hash = identity?.passwordHash ?? this.#decoyFor(username);
    const fits = hash !== undefined && await verifyPassword(password, hash);
    if (identity !== undefined && fits) return { kind: "accepted", id: identity.id, username };
    this.#failures.count(address, this.#steadyNow());
    return { kind: "refused" };
  }

  #limitOf(address: string): PasswordAnswer | undefined {
    const retryAfterSeconds = this.#failures.waitOf(address, this.#steadyNow());
    return retryAfterSeconds > 0 ? { kind: "limited", retryAfterSeconds } : undefined;
  }

  /**
   * The hash to verify for a name that nobody has: always the same for one name, as for one that somebody has, since
   * hashes may differ in what they cost.
   */
  #decoyFor(username: string): string | undefined {
    // The hashes are secret, so that nobody can work out which one it is.
    const choice = createHash("sha256").update(`${this.#hashes.join(" ")} ${username}`).digest();
    return this.#hashes[choice.readUInt32BE() % this.#hashes.length];
  }
}
