/** What the process is and takes: its versions, memory, CPU time. Its descriptors the runtime lets nobody count. */
import { cpuUsage } from "node:process";
import type { Metrics } from "../../ports/metrics.ts";
import type { Look } from "./scrape.ts";
import { versionFacts } from "../version.ts";

/** Gauges of the process, set anew by the look that is given back. */
export function watchProcess(metrics: Metrics): Look {
  metrics.gauge("build_info", versionFacts()).set(1);
  metrics.gauge("process_start_time_seconds", {}).set(performance.timeOrigin / 1000);
  const cpu = metrics.counter("process_cpu_seconds_total", {});
  const memory = metrics.gauge("process_resident_memory_bytes", {});
  let counted = 0;
  return () => {
    const { user, system } = cpuUsage();
    const seconds = (user + system) / 1e6;
    cpu.add(Math.max(0, seconds - counted));
    counted = Math.max(counted, seconds);
    memory.set(Deno.memoryUsage().rss);
  };
}
