/** The text is one that every scraper reads, whatever stands in the labels. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { exposedName, METRIC_FAMILIES, type MetricName } from "../../src/core/metric_families.ts";
import { formatMetrics } from "../../src/metrics/format_metrics.ts";
import { ProcessMetrics } from "../../src/metrics/process_metrics.ts";
import { ThreadMetrics } from "../../src/metrics/thread_metrics.ts";
import { findSample, readPrometheusText } from "./prometheus_text.ts";

function setUp() {
  const all = new ProcessMetrics();
  const thread = all.open();
  const metrics = new ThreadMetrics((series) => thread.receive(series));
  return { metrics, read: () => readPrometheusText(formatMetrics(all.read())) };
}

Deno.test("a counter, a gauge and a histogram are written as Prometheus reads them", () => {
  const all = new ProcessMetrics();
  const thread = all.open();
  const metrics = new ThreadMetrics((series) => thread.receive(series));
  metrics.counter("requests_total", { operation: "get-blob", status: "200" }).add(2);
  metrics.gauge("requests_in_flight", {}).set(1);
  const lag = metrics.histogram("event_loop_lag_seconds", { thread: "main" });
  for (const seconds of [0.001, 0.004, 0.3, 7]) lag.observe(seconds);
  assert.equal(
    formatMetrics(all.read()),
    `# HELP simple_registry_requests_total Requests that were answered, by operation (the action of access rules) and status
# TYPE simple_registry_requests_total counter
simple_registry_requests_total{operation="get-blob",status="200"} 2
# HELP simple_registry_requests_in_flight Requests under way
# TYPE simple_registry_requests_in_flight gauge
simple_registry_requests_in_flight 1
# HELP simple_registry_event_loop_lag_seconds How late a timer of a thread rang: what its other work waited
# TYPE simple_registry_event_loop_lag_seconds histogram
simple_registry_event_loop_lag_seconds_bucket{thread="main",le="0.001"} 1
simple_registry_event_loop_lag_seconds_bucket{thread="main",le="0.005"} 2
simple_registry_event_loop_lag_seconds_bucket{thread="main",le="0.01"} 2
simple_registry_event_loop_lag_seconds_bucket{thread="main",le="0.025"} 2
simple_registry_event_loop_lag_seconds_bucket{thread="main",le="0.05"} 2
simple_registry_event_loop_lag_seconds_bucket{thread="main",le="0.1"} 2
simple_registry_event_loop_lag_seconds_bucket{thread="main",le="0.25"} 2
simple_registry_event_loop_lag_seconds_bucket{thread="main",le="1"} 3
simple_registry_event_loop_lag_seconds_bucket{thread="main",le="+Inf"} 4
simple_registry_event_loop_lag_seconds_sum{thread="main"} 7.305
simple_registry_event_loop_lag_seconds_count{thread="main"} 4
`,
  );
});

Deno.test("whatever a label holds is read back as it was, and breaks no line", () => {
  fc.assert(fc.property(
    fc.uniqueArray(fc.string({ unit: fc.constantFrom("a", '"', "\\", "\n", "{", "}", ",", "=", " ", "ü") }), {
      minLength: 1,
    }),
    (rules) => {
      const { metrics, read } = setUp();
      for (const [i, rule] of rules.entries()) {
        metrics.counter("policy_denials_total", { decided_by: rule }).add(i);
      }
      const families = read();
      for (const [i, rule] of rules.entries()) {
        const labels = { decided_by: rule };
        assert.equal(findSample(families, "simple_registry_policy_denials_total", labels), i);
      }
    },
  ));
});

Deno.test("the strict reader refuses what scrapers stumble over", () => {
  const good = "# HELP a_total A\n# TYPE a_total counter\na_total 1\n";
  readPrometheusText(good);
  for (
    const bad of [
      good.slice(0, -1),
      good.replace("# HELP a_total A\n", ""),
      good.replaceAll("a_total", "a"),
      `${good}a_total 2\n`,
      good + good,
      good.replace(" 1\n", " -1\n"),
      good.replace(" 1\n", " one\n"),
      good.replace("a_total 1", 'a_total{b="\n"} 1'),
      good.replace("a_total 1", 'a_total{b="1",b="2"} 1'),
      good.replace("a_total 1", "b_total 1"),
      '# HELP h H\n# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_sum 1\nh_count 1\n',
      '# HELP h H\n# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\nh_count 1\n',
    ]
  ) assert.throws(() => readPrometheusText(bad), Error, bad);
});

Deno.test("names and units follow the conventions, and no label can hold what a client chooses", () => {
  for (const [key, { type, help, labels }] of Object.entries(METRIC_FAMILIES)) {
    const name = exposedName(key as MetricName);
    assert.match(name, /^(simple_registry|process)_[a-z][a-z_]*[a-z]$/);
    assert.equal(name.endsWith("_total"), type === "counter", name);
    if (type === "histogram") assert.match(name, /_seconds$/);
    assert.doesNotMatch(name, /_(ms|milliseconds|kb|mib|count|sum|bucket)\b/);
    assert.doesNotMatch(help, /\.$/, `${name}: HELP ends with a full stop`);
    const chosen = [
      "repository",
      "namespace",
      "tag",
      "digest",
      "reference",
      "path",
      "user",
      "username",
      "client",
      "peer",
    ];
    for (const label of labels) assert.ok(!chosen.includes(label), `${name}{${label}}`);
  }
});
