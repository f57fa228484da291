/** The mirror thread as the main thread sees it. */
import type { Settings } from "../../config/settings.ts";
import type { ThreadCounters } from "../../metrics/process_metrics.ts";
import type { EndedSpan } from "../tracing/span.ts";
import type { FromMirrors, StartMirrors, ToMirrors } from "./mirror_messages.ts";

export interface MirrorWorkerOptions {
  readonly permissions: Deno.PermissionOptions;
  readonly start: StartMirrors;
  /** Takes the thread's log lines. */
  readonly writeLog: (lines: string) => void;
  /** Takes what the thread did for traces. */
  readonly takeSpans: (spans: readonly EndedSpan[]) => void;
  /** Takes what the thread counts. */
  readonly counters: ThreadCounters;
  /** Called when the thread ended by itself. */
  readonly onDeath: (reason: string) => void;
}

export class MirrorWorker {
  readonly #worker: Worker;
  /** One for each reload that is not answered yet. */
  readonly #reloads: ((fault: string | undefined) => void)[] = [];

  constructor({ permissions, start, writeLog, takeSpans, counters, onDeath }: MirrorWorkerOptions) {
    this.#worker = new Worker(new URL("./mirror_thread.ts", import.meta.url), {
      type: "module",
      name: "mirror",
      deno: { permissions },
    });
    this.#worker.onmessage = ({ data }: MessageEvent<FromMirrors>) => {
      if (data.kind === "log") writeLog(data.lines);
      else if (data.kind === "spans") takeSpans(data.spans);
      else if (data.kind === "reloaded") this.#reloads.shift()?.(data.fault);
      else counters.receive(data.series);
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      onDeath(`the mirror thread ended: ${event.message}`);
    };
    this.#worker.postMessage(start, [start.writer.port]);
  }

  /** A new way to the thread. */
  openPort(): MessagePort {
    const { port1, port2 } = new MessageChannel();
    this.#worker.postMessage({ kind: "serve", port: port2 } satisfies ToMirrors, [port2]);
    return port1;
  }

  /** Hands over new settings, for every question from then on; gives the reason where the thread could not take them. */
  reload(settings: Settings): Promise<string | undefined> {
    const { promise, resolve } = Promise.withResolvers<string | undefined>();
    this.#reloads.push(resolve);
    this.#worker.postMessage({ kind: "reload", settings } satisfies ToMirrors);
    return promise;
  }

  /** Ends it at once; what downloads have brought so far goes when their sessions expire. */
  terminate(): void {
    this.#worker.terminate();
    for (const resolve of this.#reloads.splice(0)) resolve(undefined);
  }
}
