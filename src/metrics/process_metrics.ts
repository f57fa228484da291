/** The counters of all threads as one: of those that run, and of those that ended and were replaced. */
import { metricFamily, type MetricName } from "../core/metric_families.ts";
import { type NewSeries, widthOf } from "./thread_metrics.ts";

/** One label set of a family, with what all threads together counted. */
export interface Sample {
  /** In the order of the family's labels. */
  readonly labels: readonly string[];
  /** One number; of a histogram those of its buckets, the infinite one last, then the sum. */
  readonly numbers: readonly number[];
}

interface Series {
  readonly labels: readonly string[];
  /** What threads counted that are no more. */
  readonly departed: Float64Array;
  /** Where threads that run count. */
  readonly counting: Map<ThreadCounters, Float64Array>;
}

/** What one thread counts, as the main one sees it. */
export interface ThreadCounters {
  receive(series: NewSeries): void;
  /** The thread has ended: what it counted stays counted, what it measured is forgotten. */
  close(): void;
}

export class ProcessMetrics {
  readonly #families = new Map<MetricName, Map<string, Series>>();

  /** For a thread that begins. */
  open(): ThreadCounters {
    const thread: ThreadCounters = {
      receive: (series) => this.#receive(thread, series),
      close: () => this.#close(thread),
    };
    return thread;
  }

  /** Families that have a sample, with all their samples. */
  read(): Map<MetricName, Sample[]> {
    const read = new Map<MetricName, Sample[]>();
    for (const [name, family] of this.#families) {
      const samples = [...family.values()].map(({ labels, departed, counting }) => ({
        labels,
        numbers: Array.from(departed, (number, i) => {
          return [...counting.values()].reduce((sum, numbers) => sum + numbers[i]!, number);
        }),
      }));
      if (samples.length > 0) read.set(name, samples);
    }
    return read;
  }

  #receive(thread: ThreadCounters, { name, labels, memory, at }: NewSeries): void {
    let family = this.#families.get(name);
    if (family === undefined) this.#families.set(name, family = new Map());
    const key = labels.join("\0");
    const width = widthOf(name);
    let series = family.get(key);
    if (series === undefined) {
      family.set(key, series = { labels, departed: new Float64Array(width), counting: new Map() });
    }
    series.counting.set(thread, new Float64Array(memory, at * 8, width));
  }

  #close(thread: ThreadCounters): void {
    for (const [name, family] of this.#families) {
      const isGauge = metricFamily(name).type === "gauge";
      for (const [key, { departed, counting }] of family) {
        const numbers = counting.get(thread);
        if (numbers === undefined) continue;
        counting.delete(thread);
        if (!isGauge) { for (const [i, number] of numbers.entries()) departed[i]! += number; }
        else if (counting.size === 0) family.delete(key);
      }
    }
  }
}
