/** Metrics of a program that nobody scrapes, such as a command that runs and ends. */
import type { Metrics } from "../ports/metrics.ts";

const NOTHING = { add() {}, set() {}, observe() {} };

export const NO_METRICS: Metrics = {
  counter: () => NOTHING,
  gauge: () => NOTHING,
  histogram: () => NOTHING,
};
