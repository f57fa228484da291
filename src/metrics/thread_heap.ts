/** Tells what each thread keeps in memory, so that growth can be found where it happens. */
import { getHeapStatistics } from "node:v8";
import type { Metrics } from "../ports/metrics.ts";

/** ms between two looks, each of which takes 10 µs. */
const PERIOD_MS = 5_000;

/**
 * Measures until `stop()`. Garbage that was not collected yet is counted too, so what a thread really keeps is the least of
 * what is seen in some minutes.
 *
 * @param thread its name in the label: "main", "writer", "http-0"
 */
export function measureHeap(metrics: Metrics, thread: string): { stop(): void } {
  const heap = metrics.gauge("thread_heap_used_bytes", { thread });
  const external = metrics.gauge("thread_external_memory_bytes", { thread });
  const look = () => {
    const { used_heap_size, external_memory } = getHeapStatistics();
    heap.set(used_heap_size);
    external.set(external_memory);
  };
  look();
  const timer = setInterval(look, PERIOD_MS);
  return { stop: () => clearInterval(timer) };
}
