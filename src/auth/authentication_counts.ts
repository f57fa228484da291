/** Counts what became of the credentials that requests show. */
import type { Counter, Metrics } from "../ports/metrics.ts";
import type { RefusalCode } from "./certificate_verdict.ts";

/** "none": the request showed nothing, or nothing that can be read. */
export type AuthenticationMethod = "certificate" | "password" | "token" | "none";

export type AuthenticationResult =
  | "accepted"
  | "missing"
  | "malformed"
  | "not_configured"
  | "wrong"
  | "limited"
  | "busy"
  | "unknown_user"
  | RefusalCode;

export class AuthenticationCounts {
  readonly #metrics: Metrics;
  /** Each request counts, so none of them has to look for its counter by a text that is put together first. */
  readonly #counters = new Map<AuthenticationMethod, Map<AuthenticationResult, Counter>>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  count(method: AuthenticationMethod, result: AuthenticationResult): void {
    let results = this.#counters.get(method);
    if (results === undefined) this.#counters.set(method, results = new Map());
    let counter = results.get(result);
    if (counter === undefined) {
      counter = this.#metrics.counter("authentications_total", { method, result });
      results.set(result, counter);
    }
    counter.add();
  }
}
