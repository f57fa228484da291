/** Threads count for themselves; their sum never goes back, whoever of them ends. */
import assert from "node:assert/strict";
import { ProcessMetrics, type Sample, type ThreadCounters } from "../../src/metrics/process_metrics.ts";
import { type NewSeries, ThreadMetrics } from "../../src/metrics/thread_metrics.ts";
import { measureLoopLag } from "../../src/metrics/loop_lag.ts";
import { measureHeap } from "../../src/metrics/thread_heap.ts";

const OK = { operation: "get-blob", status: "200" };

function begin(all: ProcessMetrics): { metrics: ThreadMetrics; thread: ThreadCounters } {
  const thread = all.open();
  return { thread, metrics: new ThreadMetrics((series) => thread.receive(series)) };
}

function numbersOf(all: ProcessMetrics, name: Parameters<Map<string, Sample[]>["get"]>[0]): number[] {
  return (all.read() as Map<string, Sample[]>).get(name)?.map(({ numbers }) => numbers[0]!) ?? [];
}

Deno.test("what threads count adds up by label set", () => {
  const all = new ProcessMetrics();
  const [a, b] = [begin(all), begin(all)];
  a.metrics.counter("requests_total", OK).add();
  b.metrics.counter("requests_total", OK).add(2);
  b.metrics.counter("requests_total", { ...OK, status: "404" }).add();
  assert.deepEqual(all.read().get("requests_total"), [
    { labels: ["get-blob", "200"], numbers: [3] },
    { labels: ["get-blob", "404"], numbers: [1] },
  ]);
});

Deno.test("the same label set is one counter, however often it is asked for", () => {
  const announced: NewSeries[] = [];
  const metrics = new ThreadMetrics((series) => announced.push(series));
  for (let i = 0; i < 100; i++) metrics.counter("requests_total", OK).add();
  assert.equal(announced.length, 1);
  assert.equal(new Float64Array(announced[0]!.memory)[announced[0]!.at], 100);
});

Deno.test("counters stay when their thread ends, gauges go with it, and its successor counts on", () => {
  const all = new ProcessMetrics();
  const first = begin(all);
  first.metrics.counter("requests_total", OK).add(5);
  first.metrics.histogram("request_duration_seconds", { operation: "get-blob" }).observe(0.002);
  first.metrics.gauge("requests_in_flight", {}).set(3);
  first.metrics.gauge("event_loop_lag_max_seconds", { thread: "http-0" }).set(9);
  first.thread.close();
  first.thread.close();
  assert.deepEqual(numbersOf(all, "requests_total"), [5]);
  assert.deepEqual(numbersOf(all, "requests_in_flight"), []);
  assert.deepEqual(numbersOf(all, "event_loop_lag_max_seconds"), []);
  const second = begin(all);
  second.metrics.counter("requests_total", OK).add(2);
  second.metrics.gauge("requests_in_flight", {}).set(1);
  assert.deepEqual(numbersOf(all, "requests_total"), [7]);
  assert.deepEqual(numbersOf(all, "requests_in_flight"), [1]);
  assert.deepEqual(all.read().get("request_duration_seconds")?.[0]?.numbers.reduce((a, b) => a + b), 1.002);
});

Deno.test("a thousand threads that come and go leave one number behind", () => {
  const all = new ProcessMetrics();
  for (let i = 0; i < 1000; i++) {
    const { metrics, thread } = begin(all);
    metrics.counter("requests_total", OK).add();
    thread.close();
  }
  assert.deepEqual(all.read().get("requests_total"), [{ labels: ["get-blob", "200"], numbers: [1000] }]);
});

Deno.test("label sets beyond two thousand of one family are counted together", () => {
  const all = new ProcessMetrics();
  const { metrics } = begin(all);
  for (let i = 0; i < 5000; i++) {
    metrics.counter("policy_denials_total", { decided_by: `config.toml:${i}` }).add();
  }
  const samples = all.read().get("policy_denials_total")!;
  assert.equal(samples.length, 2001);
  assert.deepEqual(samples.at(-1), { labels: ["other"], numbers: [3000] });
});

Deno.test("series of every width lie beside each other without touching", () => {
  const all = new ProcessMetrics();
  const { metrics } = begin(all);
  for (let i = 0; i < 500; i++) {
    metrics.histogram("request_duration_seconds", { operation: `o${i}` }).observe(1000);
    metrics.counter("requests_total", { operation: `o${i}`, status: "200" }).add(i);
  }
  const durations = all.read().get("request_duration_seconds")!;
  assert.ok(durations.every(({ numbers }) => numbers.join() === "0,0,0,0,0,0,0,0,0,1,1000"));
  assert.deepEqual(numbersOf(all, "requests_total"), Array.from({ length: 500 }, (_, i) => i));
});

Deno.test("what another thread counts is seen here without asking it", async () => {
  const all = new ProcessMetrics();
  const counters = all.open();
  const worker = new Worker(new URL("./counting_thread.ts", import.meta.url), { type: "module" });
  const heard = Promise.withResolvers<void>();
  worker.onmessage = ({ data }) => data === "done" ? heard.resolve() : counters.receive(data);
  await heard.promise;
  worker.terminate();
  assert.deepEqual(numbersOf(all, "requests_total"), [1_000_000]);
});

Deno.test("a thread that stands still is seen in its lag", async () => {
  const all = new ProcessMetrics();
  const { metrics } = begin(all);
  const lag = measureLoopLag(metrics, "main");
  try {
    const seen = () => Math.max(0, ...numbersOf(all, "event_loop_lag_max_seconds"));
    while (all.read().get("event_loop_lag_seconds")!.every(({ numbers }) => numbers.every((n) => n === 0))) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const until = performance.now() + 400;
    while (performance.now() < until);
    while (seen() < 0.2) await new Promise((resolve) => setTimeout(resolve, 20));
    const [{ numbers }] = all.read().get("event_loop_lag_seconds")! as [Sample];
    assert.ok(numbers.at(-1)! >= 0.2, "the sum");
  } finally {
    lag.stop();
  }
});

Deno.test("what a thread keeps is told, objects and buffers apart", () => {
  const all = new ProcessMetrics();
  const { metrics } = begin(all);
  const numberOf = (name: string) => {
    measureHeap(metrics, "main").stop();
    return numbersOf(all, name)[0]!;
  };
  const [heap, external] = [numberOf("thread_heap_used_bytes"), numberOf("thread_external_memory_bytes")];
  const kept = [new Uint8Array(64e6), Array.from({ length: 1e6 }, (_, i) => ({ i }))];
  assert.ok(numberOf("thread_external_memory_bytes") > external + 60e6);
  assert.ok(numberOf("thread_heap_used_bytes") > heap + 12e6);
  assert.equal(kept.length, 2);
});
