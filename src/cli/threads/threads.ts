/** The threads under the main one: what each may do, and how they begin and end together. */
import type { Settings } from "../../config/settings.ts";
import type { Log } from "../../ports/log.ts";
import { RemovalHold } from "../../storage/files/removals.ts";
import { CommitCounter } from "../../storage/sqlite/commit_counter.ts";
import type { ActivatedSocket } from "../../server/activated_sockets.ts";
import { besidePath, removeSocketFile, requireFreePath } from "../../server/socket_file.ts";
import { CannotListen, HttpWorker } from "./http_worker.ts";
import { HttpWorkers, type Place } from "./http_workers.ts";
import { describeListenFault } from "./listen_fault.ts";
import type { WatchTimes } from "./listener_watch.ts";
import type { LogLevels } from "../log_levels.ts";
import { type Opening, planOpenings } from "./openings.ts";
import { MirrorWorker } from "./mirror_worker.ts";
import type { Scrape } from "../facts/scrape.ts";
import { openCalls } from "./port_calls.ts";
import type { StartPasswords } from "./password_thread.ts";
import type { NeededThread } from "./thread_messages.ts";
import type { EndedSpan } from "../tracing/span.ts";
import type { WriterAccess } from "../wire.ts";
import { WriterWorker } from "./writer_worker.ts";

/** ms that a replaced password thread may still answer. */
const PASSWORDS_LINGER_MS = 60_000;

export interface ThreadsOptions {
  readonly settings: Settings;
  /** That systemd handed over. */
  readonly sockets?: readonly ActivatedSocket[];
  readonly logLevels: LogLevels;
  readonly log: Log;
  /** Takes the log lines of the threads. */
  readonly writeLog: (lines: string) => void;
  /** Takes what the threads did for traces. */
  readonly takeSpans?: (spans: readonly EndedSpan[]) => void;
  /** Sums up what the threads count. */
  readonly scrape: Scrape;
  /** Called when the process cannot go on: the writer died, or HTTP threads die again and again. */
  readonly onFatal: (reason: string) => void;
  /** How often to look whether all threads still accept connections. */
  readonly watchTimes?: WatchTimes;
}

/** Files in which threads begin. */
export interface ThreadEntries {
  readonly http: URL;
  readonly writer: URL;
}

const ENTRIES: ThreadEntries = {
  http: new URL("./http_thread.ts", import.meta.url),
  writer: new URL("./writer_thread.ts", import.meta.url),
};

/** The permissions of a thread before it is given some. */
export const NOTHING = {
  env: false,
  ffi: false,
  import: false,
  net: false,
  read: false,
  run: false,
  sys: false,
  write: false,
} as const;

const NO_SPANS = (): void => {};

export class Threads {
  readonly #options: ThreadsOptions;
  readonly #entries: ThreadEntries;
  readonly #http: HttpWorkers;
  readonly #plans: readonly (readonly Opening[])[];
  /** Numbers that threads which run have in their names. */
  readonly #numbers = new Set<number>();
  /** Puts the removal of blob files off in all threads. */
  readonly removalHold = new RemovalHold();
  readonly #commits = new CommitCounter().shared;
  #writer!: WriterWorker;
  /** Threads that only compute, by name. */
  readonly #helpers = new Map<NeededThread, Worker>();
  #mirrors: MirrorWorker | undefined;
  #passwords: Worker | undefined;
  /** Those of the last reload, for a thread that replaces another. */
  #settings: Settings;

  /**
   * @param count HTTP threads; fewer begin where there is nothing to listen on for them
   * @throws {UnknownSocket}
   */
  constructor(options: ThreadsOptions, count: number, entries: ThreadEntries = ENTRIES) {
    const { settings, sockets = [], log, scrape, onFatal, watchTimes } = options;
    this.#options = options;
    this.#entries = entries;
    this.#plans = planOpenings(settings.server.listeners, sockets, count);
    this.#settings = settings;
    this.#http = new HttpWorkers({
      plans: this.#plans,
      rootDir: settings.blobStore.rootDir,
      startWorker: (openings) => this.#startHttp(openings),
      reloadWorker: (worker) => worker.reload(this.#settings, this.#openPasswordPort()),
      drainTimeoutMs: settings.server.drainTimeoutMs,
      log,
      deaths: scrape.metrics.counter("http_thread_deaths_total", {}),
      onFatal,
      ...(watchTimes !== undefined && { watchTimes }),
    });
  }

  /** HTTP threads that listen now. */
  get alive(): number {
    return this.#http.alive;
  }

  /**
   * Starts the writer and the HTTP threads. Gives where they listen, a place for each listener.
   *
   * @throws {CannotListen}
   */
  async start(): Promise<readonly Place[]> {
    await this.#requireFree();
    this.#writer = new WriterWorker({
      entry: this.#entries.writer,
      permissions: { ...NOTHING, ...this.#rootOnly(), sys: ["statfs"] },
      start: {
        rootDir: this.#settings.blobStore.rootDir,
        minimumFreeSpace: this.#settings.blobStore.minimumFreeSpace,
        commits: this.#commits,
      },
      counters: this.#options.scrape.threads.open(),
      onDeath: this.#options.onFatal,
    });
    this.#startPasswords();
    // Side by side with the writer: the tables are there, and writes wait for it.
    const [places] = await Promise.all([this.#http.start(), this.#writer.ready]);
    return places;
  }

  /** A new way to the writer, for a thread or for jobs of the main one. */
  openWriter(): WriterAccess {
    return { port: this.#writer.openPort(), commits: this.#commits };
  }

  /**
   * Gives all HTTP threads new settings for the next request of every connection.
   *
   * @throws {Error} when one of them could not take them over; then all of them have the former ones
   */
  async reload(settings: Settings): Promise<void> {
    const former = this.#settings;
    const fault = await this.#handOut(settings);
    if (fault === undefined) return;
    await this.#handOut(former);
    throw new Error(`a thread could not take the configuration over: ${fault}`);
  }

  async #handOut(settings: Settings): Promise<string | undefined> {
    this.#settings = settings;
    this.#mirrors?.reload(settings);
    const former = this.#passwords;
    this.#startPasswords();
    const fault = await this.#http.reload();
    // Checks under way end with the passwords that they began with.
    setTimeout(() => former?.terminate(), PASSWORDS_LINGER_MS);
    return fault;
  }

  /**
   * Lets requests under way end, closes the database, ends all threads.
   *
   * @throws {Error} when the writer ended or did not close the database
   */
  async stop(drainTimeoutMs: number): Promise<void> {
    await this.#http.stop(drainTimeoutMs);
    for (const helper of this.#helpers.values()) helper.terminate();
    this.#mirrors?.terminate();
    this.#passwords?.terminate();
    for (const path of this.#socketFiles()) removeSocketFile(path);
    await this.#writer.close();
  }

  /**
   * The threads share their port with whoever asks the same way, so a port in use would not be noticed otherwise. With port
   * 0 this tries the address alone.
   */
  async #requireFree(): Promise<void> {
    for (const { at } of this.#plans[0] ?? []) {
      try {
        if (at.kind === "tcp") Deno.listen({ hostname: at.host, port: at.port }).close();
        if (at.kind === "unix") await requireFreePath(at.path);
      } catch (error) {
        if (at.kind === "descriptor") throw error;
        throw new CannotListen(describeListenFault((error as Error).message, at));
      }
    }
  }

  /** Those that this process makes. */
  #socketFiles(): string[] {
    return this.#plans.flat().flatMap(({ at }) => at.kind === "unix" ? [at.path] : []);
  }

  #startHttp(openings: readonly Opening[]): HttpWorker {
    const { scrape, takeSpans = NO_SPANS } = this.#options;
    let number = 0;
    while (this.#numbers.has(number)) number++;
    this.#numbers.add(number);
    return new HttpWorker({
      entry: this.#entries.http,
      permissions: this.#servingPermissions(openings),
      writeLog: this.#options.writeLog,
      openPort: (thread) => this.#openPort(thread),
      counters: scrape.threads.open(),
      scrape: scrape.read,
      takeSpans,
      onEnd: () => this.#numbers.delete(number),
      start: {
        name: `http-${number}`,
        settings: this.#settings,
        logLevels: this.#options.logLevels,
        writer: this.openWriter(),
        removals: this.removalHold.shared,
        passwords: this.#openPasswordPort(),
        openings,
        threads: this.#plans.length,
        // One hashes faster than two receive.
        hashThreads: Math.ceil(this.#plans.length / 2),
      },
    });
  }

  #startPasswords(): void {
    const { identities } = this.#settings.auth;
    this.#passwords = undefined;
    if (identities.length === 0) return;
    this.#passwords = this.#startHelper("password", new URL("./password_thread.ts", import.meta.url));
    this.#passwords.postMessage({ identities } satisfies StartPasswords);
  }

  /** A thread that only computes, and may do nothing else. */
  #startHelper(name: string, entry: URL): Worker {
    const worker = new Worker(entry, { type: "module", name, deno: { permissions: NOTHING } });
    worker.onerror = (event) => {
      event.preventDefault();
      this.#options.onFatal(`the ${name} thread ended: ${event.message}`);
    };
    return worker;
  }

  /** A way to a thread that is started when it is first needed: most registries never see a large manifest. */
  #openPort(name: NeededThread): MessagePort {
    if (name === "mirror") return this.#openMirrorPort();
    let worker = this.#helpers.get(name);
    if (worker === undefined) {
      const entry = name === "manifest"
        ? new URL("./manifest_thread.ts", import.meta.url)
        : new URL("./hash_thread.ts", import.meta.url);
      worker = this.#startHelper(name, entry);
      this.#helpers.set(name, worker);
    }
    return openCalls(worker);
  }

  /** Started by the first pull from a mirror. */
  #openMirrorPort(): MessagePort {
    const { logLevels, writeLog, scrape, takeSpans = NO_SPANS, onFatal } = this.#options;
    this.#mirrors ??= new MirrorWorker({
      permissions: this.#servingPermissions(),
      writeLog,
      takeSpans,
      counters: scrape.threads.open(),
      onDeath: onFatal,
      start: {
        settings: this.#settings,
        logLevels,
        writer: this.openWriter(),
        removals: this.removalHold.shared,
      },
    });
    return this.#mirrors.openPort();
  }

  #openPasswordPort(): MessagePort | undefined {
    return this.#passwords && openCalls(this.#passwords);
  }

  /** Of threads that clients or upstreams reach: the data directory, the sockets that clients come by, and no other file. */
  #servingPermissions(openings: readonly Opening[] = []): Deno.PermissionOptionsObject {
    const { read, write } = this.#rootOnly();
    const sockets = openings.flatMap(({ at }) => at.kind === "unix" ? [at.path, besidePath(at.path)] : []);
    return {
      ...NOTHING,
      read: [...read, ...sockets],
      write: [...write, ...sockets],
      net: true,
      sys: ["statfs"],
    };
  }

  #rootOnly(): { read: string[]; write: string[] } {
    const { rootDir } = this.#settings.blobStore;
    return { read: [rootDir], write: [rootDir] };
  }
}
