/** Remembers for a minute that a password was right, so that a pull of 40 layers costs one argon2. */
import { createHmac, randomBytes } from "node:crypto";
import { networkOf } from "./failure_limit.ts";
import type { PasswordAnswer, PasswordChecker, PasswordQuestion } from "./password_check.ts";

const REMEMBER_MS = 60_000;
const MOST_REMEMBERED = 10_000;

interface Remembered {
  /** Keyed hash of user name and password. */
  readonly key: string;
  readonly answer: PasswordAnswer;
  readonly until: number;
}

/**
 * Only right passwords are remembered, by a keyed hash: the memory of this process holds no password to find. And only
 * for the network that one came from, until wrong ones from there reach the limit: the memory must not let anybody try
 * passwords without limit.
 */
export class RememberedPasswords implements PasswordChecker {
  readonly #checker: PasswordChecker;
  readonly #steadyNow: () => number;
  readonly #key = randomBytes(32);
  readonly #accepted = new Map<string, Remembered>();
  /** Questions under way: parallel requests of one client ask once. */
  readonly #asked = new Map<string, Promise<PasswordAnswer>>();

  /** @param steadyNow ms of a clock that nobody sets */
  constructor(checker: PasswordChecker, steadyNow: () => number) {
    this.#checker = checker;
    this.#steadyNow = steadyNow;
  }

  async check(question: PasswordQuestion): Promise<PasswordAnswer> {
    const key = this.#keyOf(question);
    const place = `${networkOf(question.address)} ${question.username}`;
    const remembered = this.#accepted.get(place);
    if (remembered?.key === key && remembered.until > this.#steadyNow()) return remembered.answer;
    // Asked once for each address: a failure counts against the one that tried.
    const asking = `${key} ${question.address}`;
    const underWay = this.#asked.get(asking);
    if (underWay !== undefined) return await underWay;
    const asked = this.#checker.check(question).finally(() => this.#asked.delete(asking));
    this.#asked.set(asking, asked);
    const answer = await asked;
    if (answer.kind === "accepted") this.#remember(place, key, answer);
    if (answer.kind === "limited") this.#accepted.delete(place);
    return answer;
  }

  #remember(place: string, key: string, answer: PasswordAnswer): void {
    this.#accepted.delete(place);
    this.#accepted.set(place, { key, answer, until: this.#steadyNow() + REMEMBER_MS });
    for (const oldest of this.#accepted.keys()) {
      if (this.#accepted.size <= MOST_REMEMBERED) break;
      this.#accepted.delete(oldest);
    }
  }

  #keyOf({ username, password }: PasswordQuestion): string {
    // The length keeps ("a", "bc") and ("ab", "c") apart.
    return createHmac("sha256", this.#key).update(`${username.length}:${username}${password}`).digest(
      "base64",
    );
  }
}
