/** What every thread with an event loop tells of itself. */
import type { Metrics } from "../ports/metrics.ts";
import { measureLoopLag } from "./loop_lag.ts";
import { measureHeap } from "./thread_heap.ts";

/** @param thread its name in the label: "main", "writer", "http-0" */
export function watchThread(metrics: Metrics, thread: string): void {
  measureLoopLag(metrics, thread);
  measureHeap(metrics, thread);
}
