/** Traces, as a collector receives them: which spans there are, how they hang together, and that nothing secret is in them. */
import assert from "node:assert/strict";
import { buildImage } from "../../harness/build_images.ts";
import { RegistryApi } from "../../harness/registry_api.ts";
import { startRegistry } from "../../harness/start_registry.ts";
import { findSample, readPrometheusText } from "../../metrics/prometheus_text.ts";
import { until } from "../../harness/until.ts";

const OPEN = "[global.access_policy]\ndefault_allow = true\n";

interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: number;
  readonly ms: number;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** Takes OTLP over HTTP, as a collector does. */
class Collector implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = [];
  /** Everything that came, as it came. */
  text = "";
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  /** What it answers. */
  status = 200;

  constructor() {
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      assert.equal(new URL(request.url).pathname, "/v1/traces");
      assert.equal(request.headers.get("content-type"), "application/json");
      const text = await request.text();
      if (this.status === 200) this.#take(text);
      return new Response("{}", { status: this.status });
    });
  }

  get config(): string {
    return `[observability.tracing]\nendpoint = "http://127.0.0.1:${this.#server.addr.port}"\n`;
  }

  find(operation: string): ReceivedSpan | undefined {
    return this.spans.find(({ attributes }) => attributes["simple_registry.operation"] === operation);
  }

  /** Names of the spans directly within one. */
  within(parent: ReceivedSpan): string[] {
    return this.spans.filter(({ parentSpanId }) => parentSpanId === parent.spanId).map(({ name }) => name);
  }

  #take(text: string): void {
    this.text += text;
    for (const { resource, scopeSpans } of JSON.parse(text).resourceSpans) {
      assert.equal(valuesOf(resource.attributes)["service.name"], "simple-registry");
      for (const span of scopeSpans.flatMap((scope: { spans: unknown[] }) => scope.spans)) {
        assert.match(span.traceId, /^[0-9a-f]{32}$/);
        assert.match(span.spanId, /^[0-9a-f]{16}$/);
        const ms = Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6;
        assert.ok(ms >= 0 && ms < 60_000, `${ms} ms`);
        assert.ok(Math.abs(Number(BigInt(span.startTimeUnixNano) / 1_000_000n) - Date.now()) < 60_000);
        this.spans.push({
          ...span,
          ms,
          failed: span.status.code === 2,
          attributes: valuesOf(span.attributes),
        });
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

function valuesOf(
  attributes: readonly { key: string; value: { stringValue?: string; intValue?: string } }[],
): Record<string, string | number> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]),
  );
}

Deno.test("a request is a trace of its parts, and belongs to the trace of its client", async () => {
  await using collector = new Collector();
  await using registry = await startRegistry({ config: OPEN + collector.config });
  using api = new RegistryApi(registry);
  const image = buildImage();
  await api.pushImage("team/app", image, "v1");
  const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
  const traceparent = `00-${traceId}-00f067aa0ba902b7-00`;
  const got = await api.expect(200, "GET", "/v2/team/app/manifests/v1", { headers: { traceparent } });
  await got.body?.cancel();
  await until(() => collector.find("get-manifest") !== undefined);

  const push = collector.find("put-manifest")!;
  assert.equal(push.name, "request");
  assert.equal(push.kind, 2);
  assert.deepEqual([push.parentSpanId, push.failed], [undefined, false]);
  assert.equal(push.attributes["http.request.method"], "PUT");
  assert.equal(push.attributes["url.path"], "/v2/team/app/manifests/v1");
  assert.equal(push.attributes["http.response.status_code"], 201);
  const parts = collector.within(push);
  for (const part of ["auth.identify", "auth.decide"]) assert.ok(parts.includes(part), `${part} of ${parts}`);
  assert.ok(parts.some((name) => name.startsWith("storage.")), `${parts}`);
  assert.ok(collector.spans.every((span) => span.traceId.length === 32));

  const pull = collector.find("get-manifest")!;
  assert.deepEqual([pull.traceId, pull.parentSpanId], [traceId, "00f067aa0ba902b7"]);
});

Deno.test("nothing that a client or an upstream must keep secret is in a trace, and an upstream is part of it", async () => {
  await using collector = new Collector();
  const upstreamPassword = crypto.randomUUID();
  await using upstream = await startRegistry({ tls: false, config: OPEN });
  using upstreamApi = new RegistryApi(upstream);
  const image = buildImage();
  await upstreamApi.pushImage("base", image, "v1");
  await using registry = await startRegistry({
    config: `${OPEN}${collector.config}[repository."mirror"]
[[repository."mirror".upstream]]
url = "${upstream.url}"
username = "reader"
password = "${upstreamPassword}"
allowed_addresses = ["127.0.0.1"]
`,
  });
  using api = new RegistryApi(registry);
  await (await api.request("GET", "/v2/mirror/base/manifests/v1")).body?.cancel();
  const password = crypto.randomUUID();
  const authorization = `Basic ${btoa(`somebody:${password}`)}`;
  await (await api.expect(401, "GET", "/v2/?token=query-secret", { headers: { authorization } })).body
    ?.cancel();
  const location = await api.openUpload("team/app");
  const session = new URL(location, registry.url).pathname.split("/").at(-1)!;
  await (await api.expect(204, "DELETE", location)).body?.cancel();
  await until(() =>
    collector.spans.some(({ name }) => name.startsWith("upstream.")) &&
    collector.find("cancel-upload") !== undefined && collector.find("get-manifest") !== undefined
  );

  const asked = collector.spans.find(({ name }) => name.startsWith("upstream."))!;
  assert.equal(asked.kind, 3);
  assert.equal(asked.attributes["server.address"], new URL(upstream.url).host);
  assert.equal(asked.traceId, collector.find("get-manifest")!.traceId, "across threads");
  const cancelled = collector.find("cancel-upload")!;
  assert.equal(cancelled.attributes["url.path"], "/v2/team/app/blobs/uploads/-");
  const refused = collector.find("get-api-version")!;
  assert.equal(refused.attributes["http.response.status_code"], 401);
  for (const secret of [upstreamPassword, password, btoa(`somebody:${password}`), "query-secret", session]) {
    assert.ok(!collector.text.includes(secret), secret);
  }
});

Deno.test("a collector that fails costs no request, is told of once, and gets what waited when it is back", async () => {
  await using collector = new Collector();
  collector.status = 503;
  await using registry = await startRegistry({ config: OPEN + collector.config });
  using api = new RegistryApi(registry);
  for (let i = 0; i < 20; i++) await (await api.expect(200, "GET", "/v2/")).body?.cancel();
  await registry.process.waitForLine(
    "that the collector fails",
    (line) => line.includes("the collector of traces does not take spans") || undefined,
  );
  collector.status = 200;
  await until(() => collector.spans.filter(({ name }) => name === "request").length >= 20);
  // They are counted when the collector's answer is there.
  await until(async () => {
    const metrics = readPrometheusText(await (await api.expect(200, "GET", "/metrics")).text());
    return (findSample(metrics, "simple_registry_trace_spans_total", { result: "exported" }) ?? 0) >= 20;
  });
  assert.equal(registry.logLines.filter((line) => line.includes("collector of traces")).length, 1);
});

Deno.test("a reload switches tracing on and off", async () => {
  await using collector = new Collector();
  await using registry = await startRegistry({ config: `${OPEN}${collector.config}sampling_rate = 0.0\n` });
  using api = new RegistryApi(registry);
  for (let i = 0; i < 5; i++) await (await api.expect(200, "GET", "/v2/")).body?.cancel();
  const file = registry.caFile.replace("ca.crt", "config.toml");
  const text = await Deno.readTextFile(file);
  await Deno.writeTextFile(file, text.replace("sampling_rate = 0.0", "sampling_rate = 1.0"));
  registry.process.kill("SIGHUP");
  await registry.process.waitForLine(
    "the reload",
    (line) => line.includes("configuration reloaded") || undefined,
  );
  await (await api.expect(200, "GET", "/v2/?this=one")).body?.cancel();
  await until(() => collector.find("get-api-version") !== undefined);
  assert.equal(collector.spans.filter(({ name }) => name === "request").length, 1, "none of before");
});
