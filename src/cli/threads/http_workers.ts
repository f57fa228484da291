/** The HTTP threads as one: a dead one is replaced, deaf ones are renewed, all are reloaded and ended together. */
import type { ListenAddress, ListenerSettings } from "../../config/settings.ts";
import { showAddress } from "../../config/show_address.ts";
import type { Log } from "../../ports/log.ts";
import type { Counter } from "../../ports/metrics.ts";
import { DescriptorWatch } from "./descriptor_watch.ts";
import { HttpWorker } from "./http_worker.ts";
import { ListenerWatch, type WatchTimes } from "./listener_watch.ts";
import { holdsDescriptor, type Opening, withPorts } from "./openings.ts";

/** Deaths of HTTP threads within {@linkcode DEATHS_WINDOW_MS} after which the process ends, for systemd to start afresh. */
const MOST_DEATHS = 5;
const DEATHS_WINDOW_MS = 60_000;

const WATCH_TIMES: WatchTimes = { everyMs: 5000, patienceMs: 3000 };

/** ms between two looks for a free descriptor. */
const DESCRIPTOR_LOOK_MS = 250;

export interface HttpWorkersOptions {
  /** What each of the threads opens. */
  readonly plans: readonly (readonly Opening[])[];
  readonly startWorker: (openings: readonly Opening[]) => HttpWorker;
  /** Hands the newest settings to a thread that listens; gives the reason where it could not take them. */
  readonly reloadWorker: (worker: HttpWorker) => Promise<string | undefined>;
  /** The data directory. */
  readonly rootDir: string;
  readonly drainTimeoutMs: number;
  readonly log: Log;
  /** Counts threads that ended by themselves. */
  readonly deaths: Counter;
  /** Called when threads die again and again. */
  readonly onFatal: (reason: string) => void;
  readonly watchTimes?: WatchTimes;
}

/** Where a listener listens. */
export interface Place {
  readonly listener: ListenerSettings;
  readonly at: ListenAddress;
}

export class HttpWorkers {
  readonly #options: HttpWorkersOptions;
  readonly #workers = new Set<HttpWorker>();
  /** Threads that were renewed and still end their transfers. */
  readonly #leaving = new Set<Promise<void>>();
  /** By name of the listener. */
  readonly #ports = new Map<string, number>();
  #running = false;
  #stopping = false;
  #deaths: number[] = [];
  /** Counts reloads, so that a thread that starts meanwhile is known to have missed one. */
  #reloads = 0;
  #watches: readonly ListenerWatch[] = [];
  #descriptors: DescriptorWatch | undefined;

  constructor(options: HttpWorkersOptions) {
    this.#options = options;
  }

  /** Threads that listen now. */
  get alive(): number {
    return this.#listening().length;
  }

  /**
   * Starts the threads; gives where they listen, a place for each listener.
   *
   * @throws {CannotListen}
   */
  async start(): Promise<readonly Place[]> {
    const { plans } = this.#options;
    const [plan = [], ...further] = plans;
    // The first thread alone learns ports when the system chooses them; else all of them load side by side.
    const first = this.#startOne(plan);
    const choosing = plan.some(({ at }) => at.kind === "tcp" && at.port === 0);
    const known = choosing ? placesOf(plan, await first) : [];
    const others = withPorts(further, (listener) => {
      const place = known.find((each) => each.listener.name === listener.name);
      return place?.at.kind === "tcp" ? place.at.port : undefined;
    });
    const opened = await Promise.all([first, ...others.map((plan) => this.#startOne(plan))]);
    const places = opened.flatMap((at, index) => placesOf(plans[index]!, at));
    const once = [...new Map(places.map((place) => [place.listener.name, place])).values()];
    for (const { listener, at } of once) if (at.kind === "tcp") this.#ports.set(listener.name, at.port);
    this.#running = true;
    this.#watches = once.map((place) => this.#watchOver(place));
    this.#descriptors = this.#watchDescriptors();
    return once;
  }

  /** A connection that comes while no descriptor is free makes a listener deaf. */
  #watchDescriptors(): DescriptorWatch {
    const { log, rootDir } = this.#options;
    return new DescriptorWatch({
      openable: rootDir,
      everyMs: DESCRIPTOR_LOOK_MS,
      onNone: (reason) => {
        const todo = "raise the limit (ulimit -n, LimitNOFILE= of systemd) or lower max_connections";
        log.error(`no file descriptor is free, connections wait: ${todo}`, { reason });
      },
      onSome: () => {
        log.info("file descriptors are free again: the listeners are opened anew");
        this.#listenAgain();
        for (const watch of this.#watches) watch.hurry();
      },
    });
  }

  #listenAgain(): void {
    for (const worker of this.#listening()) worker.listenAgain();
  }

  #watchOver({ listener, at }: Place): ListenerWatch {
    const { log, plans, onFatal, watchTimes = WATCH_TIMES } = this.#options;
    return new ListenerWatch({
      ...watchTimes,
      at,
      secure: listener.tls,
      probes: at.kind === "unix" ? 1 : 2 * plans.length,
      onSilence: () => {
        if (plans.some(holdsDescriptor)) {
          onFatal("a listener accepts no connections any more, and systemd's sockets are opened once");
          return;
        }
        log.error("a listener accepts no connections any more: all are opened anew", { at: showAddress(at) });
        this.#listenAgain();
      },
      onLastingSilence: () => {
        log.error("a listener still accepts no connections: the HTTP threads are renewed", {
          at: showAddress(at),
        });
        void this.#renew();
      },
    });
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
    this.#descriptors?.stop();
    for (const watch of this.#watches) watch.stop();
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

  async #startOne(openings: readonly Opening[]): Promise<readonly ListenAddress[]> {
    const reloads = this.#reloads;
    const worker = this.#options.startWorker(openings);
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
    // The descriptor went with the thread; systemd keeps the socket, and with it whoever connects until the next start.
    if (holdsDescriptor(worker.openings)) {
      this.#options.onFatal(`an HTTP thread with a socket of systemd ended: ${reason}`);
      return;
    }
    const now = performance.now();
    this.#deaths = [...this.#deaths.filter((at) => now - at < DEATHS_WINDOW_MS), now];
    if (this.#deaths.length > MOST_DEATHS) {
      this.#options.onFatal(
        `${this.#deaths.length} HTTP threads ended within a minute, the last: ${reason}`,
      );
      return;
    }
    // One that cannot begin ends too, and counts like the others.
    this.#startOne(this.#resolved(worker)).catch(() => {});
  }

  /** What a thread opened, for its successor: also where the system chose the port. */
  #resolved({ openings }: HttpWorker): readonly Opening[] {
    return withPorts([openings], ({ name }) => this.#ports.get(name))[0]!;
  }

  /** New threads beside the old ones, which end their transfers. */
  async #renew(): Promise<void> {
    const old = this.#listening();
    const started = await Promise.allSettled(old.map((worker) => this.#startOne(this.#resolved(worker))));
    if (this.#stopping || started.some(({ status }) => status === "rejected")) return;
    for (const worker of old) {
      this.#workers.delete(worker);
      const left = worker.drain(this.#options.drainTimeoutMs);
      this.#leaving.add(left);
      void left.then(() => this.#leaving.delete(left));
    }
  }
}

function placesOf(plan: readonly Opening[], opened: readonly ListenAddress[]): Place[] {
  return plan.map(({ listener }, index) => ({ listener, at: opened[index]! }));
}
