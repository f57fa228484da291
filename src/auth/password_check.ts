/** Checks user names and passwords against the configured identities; slow on purpose, so it lives in a thread of its own. */
import { FailureLimit } from "./failure_limit.ts";
import { hashPassword, verifyPassword } from "./password_hash.ts";

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
  | { readonly kind: "limited"; readonly retryAfterSeconds: number };

/** Somebody who answers questions about passwords, here or in another thread. */
export interface PasswordChecker {
  check(question: PasswordQuestion): Promise<PasswordAnswer>;
}

/** Questions that wait at most; each costs tens of milliseconds, so more would wait for seconds. */
const MOST_WAITING = 64;

export class PasswordCheck implements PasswordChecker {
  readonly #byUsername: ReadonlyMap<string, PasswordIdentity>;
  /** Verified when the user is unknown, so that both take the same time. */
  readonly #decoy: Promise<string>;
  readonly #failures = new FailureLimit();
  readonly #steadyNow: () => number;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** @param steadyNow ms of a clock that nobody sets */
  constructor(identities: readonly PasswordIdentity[], steadyNow: () => number) {
    this.#byUsername = new Map(identities.map((identity) => [identity.username, identity]));
    this.#steadyNow = steadyNow;
    const first = identities[0]?.passwordHash;
    this.#decoy = first === undefined ? hashPassword("") : Promise.resolve(first);
  }

  async check(question: PasswordQuestion): Promise<PasswordAnswer> {
    if (this.#waiting >= MOST_WAITING) return { kind: "limited", retryAfterSeconds: 1 };
    this.#waiting++;
    // One at a time: each takes its memory, and a flood of them must leave the cores to others.
    const turn = this.#last.then(() => this.#checkNow(question));
    this.#last = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.#waiting--;
    }
  }

  async #checkNow({ username, password, address }: PasswordQuestion): Promise<PasswordAnswer> {
    const retryAfterSeconds = this.#failures.waitOf(address, this.#steadyNow());
    if (retryAfterSeconds > 0) return { kind: "limited", retryAfterSeconds };
    const identity = this.#byUsername.get(username);
    const fits = await verifyPassword(password, identity?.passwordHash ?? await this.#decoy);
    if (identity !== undefined && fits) return { kind: "accepted", id: identity.id, username };
    this.#failures.count(address, this.#steadyNow());
    return { kind: "refused" };
  }
}
