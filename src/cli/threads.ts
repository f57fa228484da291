/** The threads under the main one: starting them, replacing one that dies, ending them in order. */
import type { Settings } from "../config/settings.ts";
import type { Log } from "../ports/log.ts";
import type { LogLevels } from "./log_levels.ts";
import type { ServePasswords, StartPasswords } from "./password_thread.ts";
import type { FromHttp, FromWriter, StartHttp, StartWriter, ToHttp, ToWriter } from "./thread_messages.ts";

/** Deaths of HTTP threads within {@linkcode DEATHS_WINDOW_MS} after which the process ends, for systemd to start afresh. */
const MOST_DEATHS = 5;
const DEATHS_WINDOW_MS = 60_000;

/** ms that a replaced password thread may still answer. */
const PASSWORDS_LINGER_MS = 60_000;

/** ms beyond its drain timeout after which a thread is ended whatever it does. */
const DRAIN_SLACK_MS = 2000;

export interface ThreadsOptions {
  readonly settings: Settings;
  readonly logLevels: LogLevels;
  readonly log: Log;
  /** Takes the log lines of the threads. */
  readonly writeLog: (lines: string) => void;
  /** Called when the process cannot go on: the writer died, or HTTP threads die again and again. */
  readonly onFatal: (reason: string) => void;
}

/** The permissions of a thread before it is given some. */
const NOTHING = {
  env: false,
  ffi: false,
  import: false,
  net: false,
  read: false,
  run: false,
  sys: false,
  write: false,
} as const;

/** The listener could not be opened. */
export class CannotListen extends Error {
  override readonly name = "CannotListen";
}

export class Threads {
  readonly #options: ThreadsOptions;
  readonly #http = new Set<Worker>();
  readonly #count: number;
  #writer!: Worker;
  #passwords: Worker | undefined;
  #port: number;
  /** Those of the last reload, for a thread that replaces another. */
  #settings: Settings;
  #stopping = false;
  #deaths: number[] = [];

  constructor(options: ThreadsOptions, count: number) {
    this.#options = options;
    this.#count = count;
    this.#port = options.settings.server.port;
    this.#settings = options.settings;
  }

  /** HTTP threads that run now. */
  get alive(): number {
    return this.#http.size;
  }

  /**
   * Starts the writer, then the HTTP threads. Gives the port that they listen on.
   *
   * @throws {CannotListen}
   */
  async start(): Promise<number> {
    this.#writer = new Worker(new URL("./writer_thread.ts", import.meta.url), {
      type: "module",
      name: "writer",
      deno: { permissions: { ...NOTHING, ...this.#rootOnly(), sys: ["statfs"] } },
    });
    const ready = Promise.withResolvers<void>();
    this.#writer.onmessage = ({ data }: MessageEvent<FromWriter>) => {
      if (data.kind === "ready") ready.resolve();
    };
    this.#writer.onerror = (event) => {
      event.preventDefault();
      ready.reject(new Error(event.message));
      this.#options.onFatal(`the writer thread ended: ${event.message}`);
    };
    this.#writer.postMessage({ rootDir: this.#options.settings.blobStore.rootDir } satisfies StartWriter);
    await ready.promise;
    this.#startPasswords();
    // The first thread alone learns the port when the system chooses it.
    this.#port = await this.#startHttp();
    await Promise.all(Array.from({ length: this.#count - 1 }, () => this.#startHttp()));
    return this.#port;
  }

  /** A new way to the writer, for a thread or for jobs of the main one. */
  openWriterPort(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#writer.postMessage({ kind: "serve", port: port2 } satisfies ToWriter, [port2]);
    return port1;
  }

  /**
   * Gives all HTTP threads new settings for the next request of every connection.
   *
   * @throws {Error} naming the threads that could not take them over
   */
  async reload(settings: Settings): Promise<void> {
    this.#settings = settings;
    const former = this.#passwords;
    this.#startPasswords();
    const faults = await Promise.all([...this.#http].map((thread) => this.#reloadThread(thread, settings)));
    // Checks under way end with the passwords that they began with.
    setTimeout(() => former?.terminate(), PASSWORDS_LINGER_MS);
    const fault = faults.find((fault) => fault !== undefined);
    if (fault !== undefined) throw new Error(`a thread could not take the configuration over: ${fault}`);
  }

  /** Lets requests under way end, closes the database, ends all threads. */
  async stop(drainTimeoutMs: number): Promise<void> {
    this.#stopping = true;
    await Promise.all([...this.#http].map((thread) => this.#drain(thread, drainTimeoutMs)));
    const closed = new Promise<void>((resolve) => {
      this.#writer.onmessage = ({ data }: MessageEvent<FromWriter>) => {
        if (data.kind === "closed") resolve();
      };
    });
    this.#writer.postMessage({ kind: "close" } satisfies ToWriter);
    await closed;
    this.#writer.terminate();
    this.#passwords?.terminate();
  }

  #reloadThread(thread: Worker, settings: Settings): Promise<string | undefined> {
    return new Promise((resolve) => {
      const listener = ({ data }: MessageEvent<FromHttp>): void => {
        if (data.kind !== "reloaded") return;
        thread.removeEventListener("message", listener);
        resolve(data.fault);
      };
      thread.addEventListener("message", listener);
      thread.addEventListener("error", () => resolve("it ended"), { once: true });
      const passwords = this.#openPasswordPort();
      const message: ToHttp = { kind: "reload", settings, passwords };
      thread.postMessage(message, passwords === undefined ? [] : [passwords]);
    });
  }

  async #startHttp(): Promise<number> {
    const thread = new Worker(new URL("./http_thread.ts", import.meta.url), {
      type: "module",
      name: "http",
      deno: { permissions: { ...NOTHING, ...this.#rootOnly(), net: true, sys: ["statfs"] } },
    });
    const listening = Promise.withResolvers<number>();
    thread.onmessage = ({ data }: MessageEvent<FromHttp>) => {
      if (data.kind === "log") this.#options.writeLog(data.lines);
      if (data.kind === "listening") listening.resolve(data.port);
      if (data.kind === "failed") listening.reject(new CannotListen(data.reason));
    };
    thread.onerror = (event) => {
      event.preventDefault();
      listening.reject(new Error(event.message));
      this.#replace(thread, event.message);
    };
    this.#http.add(thread);
    const { logLevels } = this.#options;
    const settings = this.#settings;
    const writer = this.openWriterPort();
    const passwords = this.#openPasswordPort();
    const start: StartHttp = {
      settings,
      logLevels,
      writer,
      passwords,
      port: this.#port,
      threads: this.#count,
    };
    thread.postMessage(start, passwords === undefined ? [writer] : [writer, passwords]);
    return await listening.promise;
  }

  #startPasswords(): void {
    const { identities } = this.#settings.auth;
    this.#passwords = undefined;
    if (identities.length === 0) return;
    this.#passwords = new Worker(new URL("./password_thread.ts", import.meta.url), {
      type: "module",
      name: "passwords",
      deno: { permissions: NOTHING },
    });
    this.#passwords.onerror = (event) => {
      event.preventDefault();
      this.#options.onFatal(`the password thread ended: ${event.message}`);
    };
    this.#passwords.postMessage({ identities } satisfies StartPasswords);
  }

  #openPasswordPort(): MessagePort | undefined {
    if (this.#passwords === undefined) return undefined;
    const { port1, port2 } = new MessageChannel();
    this.#passwords.postMessage({ port: port2 } satisfies ServePasswords, [port2]);
    return port1;
  }

  /** What clients reach can touch the data directory and no other file. */
  #rootOnly(): { read: string[]; write: string[] } {
    const { rootDir } = this.#options.settings.blobStore;
    return { read: [rootDir], write: [rootDir] };
  }

  #replace(thread: Worker, reason: string): void {
    this.#http.delete(thread);
    thread.terminate();
    if (this.#stopping) return;
    this.#options.log.error("an HTTP thread ended and is replaced", { reason });
    const now = performance.now();
    this.#deaths = [...this.#deaths.filter((at) => now - at < DEATHS_WINDOW_MS), now];
    if (this.#deaths.length > MOST_DEATHS) {
      this.#options.onFatal(`${this.#deaths.length} HTTP threads ended within a minute, the last: ${reason}`);
      return;
    }
    this.#startHttp().catch((error) => this.#options.log.error("cannot replace the HTTP thread", { error }));
  }

  #drain(thread: Worker, timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#http.delete(thread);
        thread.terminate();
        resolve();
      };
      const timer = setTimeout(end, timeoutMs + DRAIN_SLACK_MS);
      thread.onmessage = ({ data }: MessageEvent<FromHttp>) => {
        if (data.kind === "log") this.#options.writeLog(data.lines);
        if (data.kind === "drained") end();
      };
      thread.postMessage({ kind: "drain", timeoutMs } satisfies ToHttp);
    });
  }
}
