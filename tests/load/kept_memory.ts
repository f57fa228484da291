/** What the threads of a registry keep in memory, as they tell it themselves. */
import type { RegistryApi } from "../harness/registry_api.ts";
import { readPrometheusText } from "../metrics/prometheus_text.ts";

const FAMILIES = ["simple_registry_thread_heap_used_bytes", "simple_registry_thread_external_memory_bytes"];

/**
 * Bytes of objects and their buffers, by thread. Garbage that was not collected yet is counted, so only the least of some
 * looks says what is kept.
 */
export async function readKeptMemory(api: RegistryApi): Promise<Map<string, number>> {
  const metrics = readPrometheusText(await (await api.expect(200, "GET", "/metrics")).text());
  const kept = new Map<string, number>();
  for (const { labels, value } of FAMILIES.flatMap((name) => metrics.get(name)!.samples)) {
    kept.set(labels.thread!, (kept.get(labels.thread!) ?? 0) + value);
  }
  return kept;
}

export function sumOf(byThread: ReadonlyMap<string, number>): number {
  return [...byThread.values()].reduce((total, bytes) => total + bytes, 0);
}
