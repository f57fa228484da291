/** The metrics of the process as text: what all threads count, and what is looked up only when somebody asks. */
import { formatMetrics } from "../../metrics/format_metrics.ts";
import { ProcessMetrics } from "../../metrics/process_metrics.ts";
import { ThreadMetrics } from "../../metrics/thread_metrics.ts";
import type { Metrics } from "../../ports/metrics.ts";

/** Sets gauges to what they are now. What it throws leaves them as they were. */
export type Look = () => void | Promise<void>;

export class Scrape {
  readonly threads = new ProcessMetrics();
  /** Those of the main thread. */
  readonly metrics: Metrics;
  readonly #looks: Look[] = [];
  #underWay: Promise<string> | undefined;

  constructor() {
    const own = this.threads.open();
    this.metrics = new ThreadMetrics((series) => own.receive(series));
  }

  /** Has `look` called before each scrape. */
  lookFirst(look: Look): void {
    this.#looks.push(look);
  }

  /** Whoever asks while somebody is answered gets the same answer. */
  readonly read = (): Promise<string> => {
    return this.#underWay ??= this.#read().finally(() => this.#underWay = undefined);
  };

  async #read(): Promise<string> {
    await Promise.allSettled(this.#looks.map(async (look) => await look()));
    return formatMetrics(this.threads.read());
  }
}
