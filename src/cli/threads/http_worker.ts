/** One HTTP thread as the main thread sees it. */
import type { ListenAddress, Settings } from "../../config/settings.ts";
import type { ThreadCounters } from "../../metrics/process_metrics.ts";
import type { Opening } from "./openings.ts";
import { answerCalls } from "./port_calls.ts";
import type { FromHttp, NeededThread, StartHttp, ToHttp } from "./thread_messages.ts";
import type { EndedSpan } from "../tracing/span.ts";

/** ms beyond its drain timeout after which a thread is ended whatever it does. */
const DRAIN_SLACK_MS = 2000;

/** The listener could not be opened. */
export class CannotListen extends Error {
  override readonly name = "CannotListen";
}

export interface HttpWorkerOptions {
  readonly entry: URL;
  readonly permissions: Deno.PermissionOptions;
  readonly start: Omit<StartHttp, "scrapes">;
  /** Takes the thread's log lines. */
  readonly writeLog: (lines: string) => void;
  /** Gives a new way to a thread that is started when it is needed. */
  readonly openPort: (thread: NeededThread) => MessagePort;
  /** Takes what the thread counts. */
  readonly counters: ThreadCounters;
  /** Takes what the thread did for traces. */
  readonly takeSpans: (spans: readonly EndedSpan[]) => void;
  /** Gives the metrics of the whole process as text. */
  readonly scrape: () => Promise<string>;
  /** Called when the thread has ended, by itself or not. */
  readonly onEnd: () => void;
}

export class HttpWorker {
  /** What it opens, for whoever replaces it. */
  readonly openings: readonly Opening[];
  readonly #worker: Worker;
  readonly #writeLog: (lines: string) => void;
  readonly #openPort: (thread: NeededThread) => MessagePort;
  readonly #counters: ThreadCounters;
  readonly #scrapes: MessagePort;
  readonly #takeSpans: (spans: readonly EndedSpan[]) => void;
  readonly #onEnd: () => void;
  readonly #listening = Promise.withResolvers<readonly ListenAddress[]>();
  readonly #ended = Promise.withResolvers<string>();
  readonly #drained = Promise.withResolvers<void>();
  /** One for each reload that is not answered yet: a thread that has just begun may be told of two. */
  readonly #reloads: ((fault: string | undefined) => void)[] = [];
  #hasListened = false;
  #isOver = false;

  constructor(options: HttpWorkerOptions) {
    const { entry, permissions, start, writeLog, openPort, counters, scrape, takeSpans, onEnd } = options;
    this.#takeSpans = takeSpans;
    this.openings = start.openings;
    this.#counters = counters;
    this.#onEnd = onEnd;
    const { port1, port2: scrapes } = new MessageChannel();
    this.#scrapes = port1;
    answerCalls<undefined, string>(port1, scrape);
    this.#writeLog = writeLog;
    this.#worker = new Worker(entry, { type: "module", name: "http", deno: { permissions } });
    this.#worker.onmessage = ({ data }: MessageEvent<FromHttp>) => this.#hear(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#end(new Error(event.message));
    };
    // Whoever starts a thread awaits this; where nobody does any more, it is no fault of its own.
    this.#listening.promise.catch(() => {});
    this.#openPort = openPort;
    const { writer, passwords } = start;
    this.#worker.postMessage({ ...start, scrapes } satisfies StartHttp, [
      writer.port,
      scrapes,
      ...(passwords === undefined ? [] : [passwords]),
    ]);
  }

  /** Resolves to where it listens, in the order of its openings. Rejects with {@linkcode CannotListen}, or when the thread ended before. */
  get listening(): Promise<readonly ListenAddress[]> {
    return this.#listening.promise;
  }

  /** True from the time it first listened on, also when it ended since. */
  get hasListened(): boolean {
    return this.#hasListened;
  }

  get isListening(): boolean {
    return this.#hasListened && !this.#isOver;
  }

  /** Resolves to the reason when the thread ended by itself. */
  get ended(): Promise<string> {
    return this.#ended.promise;
  }

  /**
   * Hands over new settings; gives the reason where the thread could not take them. Not before it listens. One that ends
   * meanwhile has no reason: whoever replaces it has the new ones.
   */
  reload(settings: Settings, passwords: MessagePort | undefined): Promise<string | undefined> {
    if (this.#isOver) return Promise.resolve(undefined);
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.#reloads.push(resolve);
    const message: ToHttp = { kind: "reload", settings, passwords };
    this.#worker.postMessage(message, passwords === undefined ? [] : [passwords]);
    return promise;
  }

  /** Has the thread open its listeners anew; one that cannot ends, and is replaced. */
  listenAgain(): void {
    this.#worker.postMessage({ kind: "listen again" } satisfies ToHttp);
  }

  /** Lets requests under way end, at most for `timeoutMs`, and ends the thread. */
  async drain(timeoutMs: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const expired = new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs + DRAIN_SLACK_MS));
    this.#worker.postMessage({ kind: "drain", timeoutMs } satisfies ToHttp);
    await Promise.race([this.#drained.promise, expired]);
    clearTimeout(timer);
    this.terminate();
  }

  /** Ends the thread as one that died. */
  fail(reason: string): void {
    this.#end(new Error(reason));
  }

  /** Ends the thread at once. */
  terminate(): void {
    this.#worker.terminate();
    if (this.#isOver) return;
    this.#isOver = true;
    this.#scrapes.close();
    this.#counters.close();
    for (const resolve of this.#reloads) resolve(undefined);
    this.#onEnd();
  }

  #hear(message: FromHttp): void {
    switch (message.kind) {
      case "log":
        this.#writeLog(message.lines);
        break;
      case "series":
        if (!this.#isOver) this.#counters.receive(message.series);
        break;
      case "spans":
        this.#takeSpans(message.spans);
        break;
      case "needs": {
        const port = this.#openPort(message.thread);
        this.#worker.postMessage({ kind: "way", to: message.thread, port } satisfies ToHttp, [port]);
        break;
      }
      case "listening":
        this.#hasListened = true;
        this.#listening.resolve(message.places);
        break;
      case "failed":
        this.#end(new CannotListen(message.reason));
        break;
      case "reloaded":
        this.#reloads.shift()?.(message.fault);
        break;
      case "drained":
        this.#drained.resolve();
    }
  }

  #end(fault: Error): void {
    this.terminate();
    this.#listening.reject(fault);
    this.#drained.resolve();
    this.#ended.resolve(fault.message);
  }
}
