/** The HTTP threads as one: a dead one is replaced, deaf ones are renewed, all are reloaded and ended together. */
import type { Log } from "../ports/log.ts";
import type { Counter } from "../ports/metrics.ts";
import { HttpWorker } from "./http_worker.ts";
import { ListenerWatch, type WatchTimes } from "./listener_watch.ts";

/** Deaths of HTTP threads within {@linkcode DEATHS_WINDOW_MS} after which the process ends, for systemd to start afresh. */
const MOST_DEATHS = 5;
const DEATHS_WINDOW_MS = 60_000;

const WATCH_TIMES: WatchTimes = { everyMs: 5000, patienceMs: 3000 };

export interface HttpWorkersOptions {
  readonly count: number;
  /** Starts a thread that listens on `port`, or on one that the system chooses where it is 0. */
  readonly startWorker: (port: number) => HttpWorker;
  /** Hands the newest settings to a thread that listens; gives the reason where it could not take them. */
  readonly reloadWorker: (worker: HttpWorker) => Promise<string | undefined>;
  readonly address: string;
  readonly drainTimeoutMs: number;
  readonly log: Log;
  /** Counts threads that ended by themselves. */
  readonly deaths: Counter;
  /** Called when threads die again and again. */
  readonly onFatal: (reason: string) => void;
  readonly watchTimes?: WatchTimes;
}

export class HttpWorkers {
  readonly #options: HttpWorkersOptions;
  readonly #workers = new Set<HttpWorker>();
  /** Threads that were renewed and still end their transfers. */
  readonly #leaving = new Set<Promise<void>>();
  #port = 0;
  #running = false;
  #stopping = false;
  #deaths: number[] = [];
  /** Counts reloads, so that a thread that starts meanwhile is known to have missed one. */
  #reloads = 0;
  #watch: ListenerWatch | undefined;

  constructor(options: HttpWorkersOptions) {
    this.#options = options;
  }

  /** Threads that listen now. */
  get alive(): number {
    return this.#listening().length;
  }

  /**
   * Starts the threads; gives their port.
   *
   * @throws {CannotListen}
   */
  async start(port: number): Promise<number> {
    const { count, address, log, watchTimes = WATCH_TIMES } = this.#options;
    // The first thread alone learns the port when the system chooses it; else all of them load side by side.
    const first = this.#startOne(port);
    if (port === 0) port = await first;
    const others = Array.from({ length: count - 1 }, () => this.#startOne(port));
    [this.#port] = await Promise.all([first, ...others]) as [number];
    this.#running = true;
    this.#watch = new ListenerWatch({
      ...watchTimes,
      address,
      port: this.#port,
      probes: 2 * count,
      onSilence: () => {
        log.error("a listener accepts no connections any more: the HTTP threads are renewed");
        void this.#renew();
      },
    });
    return this.#port;
  }

  /** Hands out new settings; gives the first reason why a thread could not take them. */
  async reload(): Promise<string | undefined> {
    this.#reloads++;
    // One that does not listen yet takes them over when it does.
    const faults = await Promise.all(this.#listening().map(this.#options.reloadWorker));
    return faults.find((fault) => fault !== undefined);
  }

  /** Lets requests under way end, at most for `drainTimeoutMs`, and ends all threads. */
  async stop(drainTimeoutMs: number): Promise<void> {
    this.#stopping = true;
    this.#watch?.stop();
    await Promise.all([...this.#workers].map(async (worker) => {
      if (worker.isListening) await worker.drain(drainTimeoutMs);
      worker.terminate();
    }));
    await Promise.all(this.#leaving);
    this.#workers.clear();
  }

  #listening(): HttpWorker[] {
    return [...this.#workers].filter(({ isListening }) => isListening);
  }

  async #startOne(port: number): Promise<number> {
    const reloads = this.#reloads;
    const worker = this.#options.startWorker(port);
    this.#workers.add(worker);
    void worker.ended.then((reason) => this.#replace(worker, reason));
    const listening = await worker.listening;
    if (reloads === this.#reloads) return listening;
    const fault = await this.#options.reloadWorker(worker);
    if (fault === undefined) return listening;
    // It must not go on with what was replaced.
    worker.fail(`it could not take the configuration over: ${fault}`);
    throw new Error(fault);
  }

  #replace(worker: HttpWorker, reason: string): void {
    // One that was renewed is replaced already; one that never listened while the first are started ends the start.
    if (!this.#workers.delete(worker) || this.#stopping || !(this.#running || worker.hasListened)) return;
    this.#options.log.error("an HTTP thread ended and is replaced", { reason });
    this.#options.deaths.add();
    const now = performance.now();
    this.#deaths = [...this.#deaths.filter((at) => now - at < DEATHS_WINDOW_MS), now];
    if (this.#deaths.length > MOST_DEATHS) {
      this.#options.onFatal(
        `${this.#deaths.length} HTTP threads ended within a minute, the last: ${reason}`,
      );
      return;
    }
    // One that cannot begin ends too, and counts like the others.
    this.#startOne(this.#port).catch(() => {});
  }

  /** New threads beside the old ones, which end their transfers. */
  async #renew(): Promise<void> {
    const old = this.#listening();
    const started = await Promise.allSettled(old.map(() => this.#startOne(this.#port)));
    if (this.#stopping || started.some(({ status }) => status === "rejected")) return;
    for (const worker of old) {
      this.#workers.delete(worker);
      const left = worker.drain(this.#options.drainTimeoutMs);
      this.#leaving.add(left);
      void left.then(() => this.#leaving.delete(left));
    }
  }
}
