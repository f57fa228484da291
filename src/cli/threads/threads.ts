/** The threads under the main one: what each may do, and how they begin and end together. */
import type { Settings } from "../../config/settings.ts";
import type { Log } from "../../ports/log.ts";
import { RemovalHold } from "../../storage/files/removals.ts";
import { CommitCounter } from "../../storage/sqlite/commit_counter.ts";
import type { ActivatedSocket } from "../../server/activated_sockets.ts";
import { besidePath, removeSocketFile } from "../../server/socket_file.ts";
import { ComputingThreads } from "./computing_threads.ts";
import { CannotListen, HttpWorker } from "./http_worker.ts";
import { HttpWorkers, type Place } from "./http_workers.ts";
import { describeListenFault } from "./listen_fault.ts";
import { requireListenPath } from "./listen_path.ts";
import type { WatchTimes } from "./listener_watch.ts";
import type { LogLevels } from "../log_levels.ts";
import { type Opening, planOpenings } from "./openings.ts";
import { MirrorWorker } from "./mirror_worker.ts";
import type { Scrape } from "../facts/scrape.ts";
import { NOTHING } from "./no_permissions.ts";
import { permittedFolder } from "./permitted_folder.ts";
import type { EndedSpan } from "../tracing/span.ts";
import type { WriterAccess } from "../wire.ts";
import { WriterWorker } from "./writer_worker.ts";

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
  readonly #computing: ComputingThreads;
  #mirrors: MirrorWorker | undefined;
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
    this.#computing = new ComputingThreads(onFatal);
    this.#http = new HttpWorkers({
      plans: this.#plans,
      rootDir: settings.blobStore.rootDir,
      startWorker: (openings) => this.#startHttp(openings),
      reloadWorker: (worker) => worker.reload(this.#settings, this.#computing.openPasswordPort()),
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
    this.#computing.usePasswords(this.#settings.auth);
    // Side by side with the writer: the tables are there, and writes wait for it.
    const [places] = await Promise.all([this.#http.start(), this.#writer.ready]);
    return places;
  }

  /** A new way to the writer, for a thread or for jobs of the main one. */
  openWriter(): WriterAccess {
    return { port: this.#writer.openPort(), commits: this.#commits };
  }

  /**
   * Gives all threads that serve new settings, for the next request of every connection.
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
    // Before those that ask it: of a mirror that is new to it there would be nothing.
    const mirrorFault = await this.#mirrors?.reload(settings);
    if (mirrorFault !== undefined) return mirrorFault;
    this.#computing.usePasswords(settings.auth);
    return await this.#http.reload();
  }

  /**
   * Lets requests under way end, closes the database, ends all threads.
   *
   * @throws {Error} when the writer ended or did not close the database
   */
  async stop(drainTimeoutMs: number): Promise<void> {
    await this.#http.stop(drainTimeoutMs);
    this.#computing.terminate();
    this.#mirrors?.terminate();
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
        if (at.kind === "unix") await requireListenPath(at.path, this.#settings.blobStore.rootDir);
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
      openPort: (thread) => thread === "mirror" ? this.#openMirrorPort() : this.#computing.openPort(thread),
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
        passwords: this.#computing.openPasswordPort(),
        openings,
        threads: this.#plans.length,
        // One hashes faster than two receive.
        hashThreads: Math.ceil(this.#plans.length / 2),
      },
    });
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
    const places = permittedFolder(this.#settings.blobStore.rootDir);
    return { read: places, write: places };
  }
}
