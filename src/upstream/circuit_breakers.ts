/** The circuit breaker of each host that an upstream leads to. */
import { CircuitBreaker } from "./circuit_breaker.ts";

/** Hosts remembered; an upstream could lead to any number. */
const MOST_HOSTS = 200;

export class CircuitBreakers {
  readonly #now: () => number;
  readonly #byHost = new Map<string, CircuitBreaker>();

  /** @param now ms of a clock that nobody sets */
  constructor(now: () => number) {
    this.#now = now;
  }

  of({ protocol, host }: URL): CircuitBreaker {
    const key = `${protocol}//${host}`;
    const breaker = this.#byHost.get(key) ?? new CircuitBreaker(host, this.#now);
    this.#byHost.delete(key);
    this.#byHost.set(key, breaker);
    for (const oldest of this.#byHost.keys()) {
      if (this.#byHost.size <= MOST_HOSTS) break;
      this.#byHost.delete(oldest);
    }
    return breaker;
  }
}
