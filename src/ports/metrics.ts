/** Where the parts of the program count what they do. */
import type { LabelsOf, MetricOf } from "../core/metric_families.ts";

export interface Counter {
  /** @param amount not negative; 1 where it is left out */
  add(amount?: number): void;
}

export interface Gauge {
  set(value: number): void;
  add(amount: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

/**
 * Counters of one thread, made when they are first asked for. Asking costs a look-up, counting next to nothing: who counts
 * for each request asks once.
 */
export interface Metrics {
  counter<N extends MetricOf<"counter">>(name: N, labels: LabelsOf<N>): Counter;
  gauge<N extends MetricOf<"gauge">>(name: N, labels: LabelsOf<N>): Gauge;
  histogram<N extends MetricOf<"histogram">>(name: N, labels: LabelsOf<N>): Histogram;
}
