/** The counters of one thread, in memory that the main thread reads as well, so that a scrape asks nobody. */
import { type LabelsOf, metricFamily, type MetricName, type MetricOf } from "../core/metric_families.ts";
import type { Counter, Gauge, Histogram, Metrics } from "../ports/metrics.ts";

/** Tells the main thread where a new series is counted. */
export interface NewSeries {
  readonly name: MetricName;
  /** In the order of the family's labels. */
  readonly labels: readonly string[];
  /** Numbers of 8 bytes; only the thread that made it writes to it. */
  readonly memory: SharedArrayBuffer;
  /** Of the first of its numbers. */
  readonly at: number;
}

/** Numbers in one piece of shared memory. */
const PIECE = 1024;

/** Label sets of one family in one thread; what comes beyond them is counted together, so that memory has an end. */
const MOST_SERIES = 2000;
const BEYOND = "other";

/** The place of one number. */
class Place implements Counter, Gauge {
  readonly #numbers: Float64Array;
  readonly #at: number;

  constructor(numbers: Float64Array, at: number) {
    this.#numbers = numbers;
    this.#at = at;
  }

  add(amount = 1): void {
    this.#numbers[this.#at]! += amount;
  }

  set(value: number): void {
    this.#numbers[this.#at] = value;
  }
}

/** Numbers of the buckets, the infinite one last, then the sum. Each bucket counts what is in none before it. */
class Buckets implements Histogram {
  readonly #numbers: Float64Array;
  readonly #at: number;
  readonly #bounds: readonly number[];

  constructor(numbers: Float64Array, at: number, bounds: readonly number[]) {
    this.#numbers = numbers;
    this.#at = at;
    this.#bounds = bounds;
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++;
    this.#numbers[this.#at + bucket]! += 1;
    this.#numbers[this.#at + bounds.length + 1]! += value;
  }
}

/** How many numbers a series of a family takes. */
export function widthOf(name: MetricName): number {
  const { buckets } = metricFamily(name);
  return buckets === undefined ? 1 : buckets.length + 2;
}

export class ThreadMetrics implements Metrics {
  readonly #announce: (series: NewSeries) => void;
  readonly #known = new Map<MetricName, Map<string, Place | Buckets>>();
  #memory = new SharedArrayBuffer(PIECE * 8);
  #numbers = new Float64Array(this.#memory);
  #used = 0;

  /** @param announce told of each series before anything is counted in it */
  constructor(announce: (series: NewSeries) => void) {
    this.#announce = announce;
  }

  counter<N extends MetricOf<"counter">>(name: N, labels: LabelsOf<N>): Counter {
    return this.#find(name, labels) as Place;
  }

  gauge<N extends MetricOf<"gauge">>(name: N, labels: LabelsOf<N>): Gauge {
    return this.#find(name, labels) as Place;
  }

  histogram<N extends MetricOf<"histogram">>(name: N, labels: LabelsOf<N>): Histogram {
    return this.#find(name, labels) as Buckets;
  }

  #find(name: MetricName, labels: Readonly<Record<string, string>>): Place | Buckets {
    let family = this.#known.get(name);
    if (family === undefined) this.#known.set(name, family = new Map());
    let values = metricFamily(name).labels.map((label) => labels[label]!);
    let key = values.join("\0");
    if (family.size >= MOST_SERIES && !family.has(key)) {
      values = values.map(() => BEYOND);
      key = values.join("\0");
    }
    let series = family.get(key);
    if (series === undefined) family.set(key, series = this.#make(name, values));
    return series;
  }

  #make(name: MetricName, labels: readonly string[]): Place | Buckets {
    const width = widthOf(name);
    if (this.#used + width > PIECE) {
      this.#memory = new SharedArrayBuffer(PIECE * 8);
      this.#numbers = new Float64Array(this.#memory);
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += width;
    this.#announce({ name, labels, memory: this.#memory, at });
    const { buckets } = metricFamily(name);
    return buckets === undefined ? new Place(this.#numbers, at) : new Buckets(this.#numbers, at, buckets);
  }
}
