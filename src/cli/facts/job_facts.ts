/** What became of the server's own jobs, as metrics: the numbers of whatever they report are shown by their names. */
import type { Metrics } from "../../ports/metrics.ts";
import type { JobEnd } from "../schedule.ts";

/** The label is not called "job": that is what Prometheus calls those whom it asks. */
export function countJobEnd(metrics: Metrics, { name: task, ms, outcome }: JobEnd): void {
  metrics.counter("job_runs_total", { task, result: outcome.done ? "done" : "failed" }).add();
  metrics.gauge("job_last_end_timestamp_seconds", { task }).set(Date.now() / 1000);
  metrics.gauge("job_last_duration_seconds", { task }).set(ms / 1000);
  if (!outcome.done) return;
  for (const [counted, number] of numbersIn(outcome.report)) {
    metrics.gauge("job_last_report", { task, counted }).set(number);
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
