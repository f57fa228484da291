/** Measures how long the work of a thread keeps its other work waiting, by a timer that should ring in time. */
import type { Metrics } from "../ports/metrics.ts";

/** ms between two rings: often enough to meet a standstill, seldom enough to cost nothing. */
const PERIOD_MS = 100;

/** ms after which a maximum begins anew; shown is the larger of this time and the one before. */
const WINDOW_MS = 60_000;

/**
 * Measures until `stop()`.
 *
 * @param thread its name in the label: "main", "writer", "http-0"
 */
export function measureLoopLag(metrics: Metrics, thread: string): { stop(): void } {
  const lags = metrics.histogram("event_loop_lag_seconds", { thread });
  const longest = metrics.gauge("event_loop_lag_max_seconds", { thread });
  let [before, now] = [0, 0];
  let windowStart = performance.now();
  let expected = windowStart + PERIOD_MS;
  const timer = setInterval(() => {
    const at = performance.now();
    // The runtime may ring a little early.
    const lag = Math.max(0, at - expected) / 1000;
    expected = at + PERIOD_MS;
    lags.observe(lag);
    if (at - windowStart >= WINDOW_MS) {
      [before, now] = [now, 0];
      windowStart = at;
    }
    now = Math.max(now, lag);
    longest.set(Math.max(before, now));
  }, PERIOD_MS);
  return { stop: () => clearInterval(timer) };
}
