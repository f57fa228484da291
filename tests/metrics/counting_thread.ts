/** Entry of a thread that counts to a million. */
import { ThreadMetrics } from "../../src/metrics/thread_metrics.ts";

const thread = self as unknown as { postMessage(message: unknown): void };
const metrics = new ThreadMetrics((series) => thread.postMessage(series));
const counter = metrics.counter("requests_total", { operation: "get-blob", status: "200" });
for (let i = 0; i < 1_000_000; i++) counter.add();
thread.postMessage("done");
