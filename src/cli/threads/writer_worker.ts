/** The writer thread as the main thread sees it. */
import type { ThreadCounters } from "../../metrics/process_metrics.ts";
import type { FromWriter, StartWriter, ToWriter } from "./thread_messages.ts";

/** ms that the writer may take to close the database. */
const CLOSE_TIMEOUT_MS = 30_000;

export interface WriterWorkerOptions {
  readonly entry: URL;
  readonly permissions: Deno.PermissionOptions;
  readonly start: StartWriter;
  /** Takes what the thread counts. */
  readonly counters: ThreadCounters;
  /** Called when the thread ended by itself. */
  readonly onDeath: (reason: string) => void;
}

export class WriterWorker {
  readonly #worker: Worker;
  readonly #ready = Promise.withResolvers<void>();
  readonly #closed = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<never>();

  constructor({ entry, permissions, start, counters, onDeath }: WriterWorkerOptions) {
    this.#worker = new Worker(entry, { type: "module", name: "writer", deno: { permissions } });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWriter>) => {
      if (data.kind === "ready") this.#ready.resolve();
      else if (data.kind === "series") counters.receive(data.series);
      else this.#closed.resolve();
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const fault = new Error(`the writer thread ended: ${event.message}`);
      this.#ended.reject(fault);
      onDeath(fault.message);
    };
    // Whoever waits for the thread hears of it; at other times `onDeath` does.
    this.#ended.promise.catch(() => {});
    this.#worker.postMessage(start);
  }

  /** Resolves when the database is open. Rejects when the thread ended before. */
  get ready(): Promise<void> {
    return Promise.race([this.#ready.promise, this.#ended.promise]);
  }

  /** A new way to the writer. */
  openPort(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#worker.postMessage({ kind: "serve", port: port2 } satisfies ToWriter, [port2]);
    return port1;
  }

  /**
   * Closes the database and ends the thread.
   *
   * @throws {Error} when the thread had ended before, or does not close the database in time
   */
  async close(): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const expired = new Promise<never>((_, reject) => {
      const fault = new Error(
        `Cannot stop in order: the database is not closed after ${CLOSE_TIMEOUT_MS} ms`,
      );
      timer = setTimeout(() => reject(fault), CLOSE_TIMEOUT_MS);
    });
    this.#worker.postMessage({ kind: "close" } satisfies ToWriter);
    try {
      await Promise.race([this.#closed.promise, this.#ended.promise, expired]);
    } finally {
      clearTimeout(timer);
      this.#worker.terminate();
    }
  }
}
