/** Keeps a host that does not answer, or that asked for fewer requests, from being asked for a while. */
import { UpstreamFault } from "../core/upstream_fault.ts";

/** ms without requests after the first failure; doubled by each further one. */
const SHORTEST_PAUSE = 5000;
const LONGEST_PAUSE = 60_000;

/** Answers of status 5xx, and connections that broke off before an answer, in a row that count as a failure. */
const MOST_ERRORS = 3;

/** ms that a host gets which limits requests and does not say for how long. */
const LIMITED_PAUSE = 10_000;

/** A host may not keep itself from being asked for longer than this; ms. */
const LONGEST_RETRY_AFTER = 60 * 60 * 1000;

export class CircuitBreaker {
  readonly #host: string;
  readonly #now: () => number;
  #failures = 0;
  #errors = 0;
  #openUntil = 0;
  #reason = "";
  #limitedUntil = 0;
  #probing = false;

  /** @param now ms of a clock that nobody sets */
  constructor(host: string, now: () => number) {
    this.#host = host;
    this.#now = now;
  }

  /**
   * Called before a request. After a pause one request goes through, and the others wait for what becomes of it.
   *
   * @throws {UpstreamFault} where the host is not to be asked now
   */
  enter(): void {
    const now = this.#now();
    if (now < this.#limitedUntil) throw this.#limited(this.#limitedUntil - now);
    if (this.#failures === 0) return;
    if (now >= this.#openUntil && !this.#probing) {
      this.#probing = true;
      return;
    }
    throw new UpstreamFault(
      "unreachable",
      `"${this.#host}" is not asked for the moment, because it failed: ${this.#reason}`,
    );
  }

  /** The head of an answer came. */
  answered(status: number): void {
    this.#probing = false;
    if (status >= 500) this.#err(`it answered ${status}`);
    else this.#errors = this.#failures = this.#openUntil = 0;
  }

  /** The connection ended before an answer, or with something that is none; one alone says little of the host. */
  broke(reason: string): void {
    this.#probing = false;
    this.#err(reason);
  }

  /** It cannot be connected to, or does not answer in time. */
  failed(reason: string): void {
    this.#probing = false;
    this.#open(reason);
  }

  /** A request ended without telling anything of the host, because whoever asked went away. */
  left(): void {
    this.#probing = false;
  }

  /** It answered 429; gives the fault to throw. */
  limit(retryAfterMs: number | undefined): UpstreamFault {
    const pause = Math.min(retryAfterMs ?? LIMITED_PAUSE, LONGEST_RETRY_AFTER);
    this.#limitedUntil = this.#now() + pause;
    return this.#limited(pause);
  }

  #err(reason: string): void {
    this.#errors++;
    if (this.#errors >= MOST_ERRORS) this.#open(`${reason}, ${this.#errors} times in a row`);
    else if (this.#failures > 0) this.#open(reason);
  }

  #open(reason: string): void {
    // Those that were under way when it failed say the same once more.
    if (this.#now() < this.#openUntil) return;
    const pause = Math.min(SHORTEST_PAUSE * 2 ** this.#failures, LONGEST_PAUSE);
    this.#failures++;
    this.#reason = reason;
    this.#openUntil = this.#now() + pause;
  }

  #limited(pause: number): UpstreamFault {
    const message = `"${this.#host}" limits requests, and is not asked for ${Math.ceil(pause / 1000)} s`;
    return new UpstreamFault("limited", message, { retryAfterMs: pause });
  }
}
