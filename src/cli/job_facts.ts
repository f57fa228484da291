/** What became of the server's own jobs, as metrics: the numbers of whatever they report are shown by their names. */
import type { Metrics } from "../ports/metrics.ts";
import type { JobEnd } from "./schedule.ts";

export function countJobEnd(metrics: Metrics, { name: job, ms, outcome }: JobEnd): void {
  metrics.counter("job_runs_total", { job, result: outcome.done ? "done" : "failed" }).add();
  metrics.gauge("job_last_end_timestamp_seconds", { job }).set(Date.now() / 1000);
  metrics.gauge("job_last_duration_seconds", { job }).set(ms / 1000);
  if (!outcome.done) return;
  for (const [counted, number] of numbersIn(outcome.report)) {
    metrics.gauge("job_last_report", { job, counted }).set(number);
  }
}

/** A number alone, or those of an object and of the objects in it: `judged.tags` becomes "judged_tags". */
function numbersIn(report: unknown, name = ""): [name: string, number: number][] {
  if (typeof report === "number") return [[name || "items", report]];
  if (typeof report !== "object" || report === null || Array.isArray(report)) return [];
  return Object.entries(report).flatMap(([key, value]) =>
    numbersIn(value, name === "" ? key : `${name}_${key}`)
  );
}
