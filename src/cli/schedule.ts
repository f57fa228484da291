/** The server's work without a client: each job at its interval, and no job twice at one time. */
import type { Log } from "../ports/log.ts";

/** A timer of the runtime that is longer fires at once. */
const LONGEST_PAUSE_MS = 24 * 86_400_000;

export interface Job {
  /** As the log names it. */
  readonly name: string;
  /** ms from the end of one run to the start of the next; 0 leaves the job to those who ask for it. */
  readonly intervalMs: number;
  /** Whether the first run begins at once and not after an interval. */
  readonly atStart: boolean;
  /** ms to the first run where it does not begin at once; an interval where it is absent. */
  readonly firstMs?: number;
  run(): Promise<unknown>;
}

/** What a run of a job came to, whoever asked for it. */
export interface JobEnd {
  readonly name: string;
  readonly ms: number;
  readonly outcome: { readonly done: true; readonly report: unknown } | { readonly done: false };
}

/** A job that is asked for while it runs. */
export class JobRuns extends Error {
  override readonly name = "JobRuns";
}

export class Schedule {
  readonly #log: Log;
  readonly #onEnd: (end: JobEnd) => void;
  readonly #longestPauseMs: number;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #intervals = new Map<string, number>();
  readonly #running = new Map<string, Promise<unknown>>();
  readonly #stopping = new AbortController();
  #stopped = false;

  /** @param longestPauseMs longer ones are made of several */
  constructor(log: Log, onEnd: (end: JobEnd) => void = () => {}, longestPauseMs = LONGEST_PAUSE_MS) {
    this.#log = log;
    this.#onEnd = onEnd;
    this.#longestPauseMs = longestPauseMs;
  }

  /** Aborted by `stop()`: a run that takes long ends on it. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** Runs a job at its interval from now on, instead of the one that had its name. */
  set(job: Job): void {
    this.#intervals.set(job.name, job.intervalMs);
    clearTimeout(this.#timers.get(job.name));
    this.#timers.delete(job.name);
    if (job.intervalMs > 0) this.#plan(job, job.atStart ? 0 : job.firstMs ?? job.intervalMs);
  }

  /**
   * The same, but a job that has this interval already goes on as it was: whoever reloads often must not put its next run
   * off for ever.
   */
  adjust(job: Job): void {
    if (this.#intervals.get(job.name) !== job.intervalMs) this.set(job);
  }

  /**
   * Runs something under a job's name, so that the job does not run beside it.
   *
   * @throws {JobRuns} when it runs already
   */
  async runAlone<T>(name: string, run: () => Promise<T>): Promise<T> {
    if (this.#running.has(name)) throw new JobRuns(`Cannot start ${name}: it is running already`);
    const running = this.#runToEnd(name, run);
    this.#running.set(name, running);
    return await running;
  }

  /** Resolves when what runs under a name now has ended, be it by a fault. */
  async ended(name: string): Promise<void> {
    await this.#running.get(name)?.catch(() => {});
  }

  /** Begins nothing any more. */
  stop(): void {
    this.#stopped = true;
    this.#stopping.abort();
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  /** Resolves when nothing runs any more, after `mostMs` in any case. */
  async idle(mostMs: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise((resolve) => timer = setTimeout(resolve, mostMs));
    await Promise.race([Promise.allSettled(this.#running.values()), late]);
    clearTimeout(timer);
  }

  async #runToEnd<T>(name: string, run: () => Promise<T>): Promise<T> {
    const started = performance.now();
    let outcome: JobEnd["outcome"] = { done: false };
    try {
      const report = await run();
      outcome = { done: true, report };
      return report;
    } finally {
      this.#running.delete(name);
      this.#onEnd({ name, ms: performance.now() - started, outcome });
    }
  }

  #plan(job: Job, pauseMs: number): void {
    if (this.#stopped) return;
    const part = Math.min(pauseMs, this.#longestPauseMs);
    const timer = setTimeout(async () => {
      if (part < pauseMs) {
        this.#plan(job, pauseMs - part);
        return;
      }
      try {
        await this.runAlone(job.name, () => job.run());
      } catch (error) {
        // Somebody asked for it just now, and it runs for them.
        if (!(error instanceof JobRuns)) this.#log.error(`${job.name} failed`, { error });
      }
      // Another job may have taken the name meanwhile.
      if (this.#timers.get(job.name) === timer) this.#plan(job, job.intervalMs);
    }, part);
    this.#timers.set(job.name, timer);
  }
}
