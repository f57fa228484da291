/** Room for so many works at a time; others wait for their turn, and not without end. */
import { OciError } from "../core/oci_error.ts";

/** ms that a work waits for its turn. */
const PATIENCE_MS = 30_000;

export class WorkRoom {
  #free: number;
  readonly #patienceMs: number;
  readonly #waiting = new Set<() => void>();

  constructor(most: number, patienceMs = PATIENCE_MS) {
    this.#free = most;
    this.#patienceMs = patienceMs;
  }

  /** @throws {OciError} UNAVAILABLE when the turn does not come */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  async #enter(): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return;
    }
    const turn = Promise.withResolvers<void>();
    this.#waiting.add(turn.resolve);
    const timer = setTimeout(() => {
      this.#waiting.delete(turn.resolve);
      turn.reject(
        new OciError("UNAVAILABLE", {
          message: `Waited ${this.#patienceMs / 1000} s for other downloads of the mirrors to end`,
          headers: { "retry-after": "10" },
        }),
      );
    }, this.#patienceMs);
    try {
      await turn.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Hands the place to the first who waits. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}
