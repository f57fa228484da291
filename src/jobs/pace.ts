/** Keeps work that reads much at a rate, so that those who wait for answers have the disk too. */

/** Pauses shorter than this many ms cost more than they give. */
const LEAST_PAUSE_MS = 20;

export class Pace {
  readonly #bytesPerMs: number;
  readonly #signal: AbortSignal;
  /** Monotonic time at which what was spent so far is paid for. */
  #paidAt = performance.now();

  /**
   * @param bytesPerSecond 0 for no limit
   * @param signal ends a pause early
   */
  constructor(bytesPerSecond: number, signal: AbortSignal) {
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#signal = signal;
  }

  /** Resolves when the work may go on. @throws the signal's reason once it is aborted */
  async spend(bytes: number): Promise<void> {
    this.#signal.throwIfAborted();
    if (this.#bytesPerMs === 0) return;
    // Time that nobody used is not saved up for a burst.
    this.#paidAt = Math.max(this.#paidAt, performance.now()) + bytes / this.#bytesPerMs;
    const ahead = this.#paidAt - performance.now();
    if (ahead >= LEAST_PAUSE_MS) await pause(ahead, this.#signal);
  }
}

/** Waits. @throws the signal's reason once it is aborted */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal.addEventListener("abort", stop, { once: true });
  });
}
