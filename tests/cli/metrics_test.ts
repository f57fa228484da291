/** `/metrics` of the running program: the whole process from whichever thread answers, for those whom policy lets. */
import assert from "node:assert/strict";
import { makeAuthority, makeClient } from "../auth/certificate_factory.ts";
import { makeRevocationList } from "../auth/revocation_list_factory.ts";
import { buildImage } from "../harness/build_images.ts";
import { type ClientIdentity, RegistryApi } from "../harness/registry_api.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { until } from "../harness/until.ts";
import { findSample, type ReadFamily, readPrometheusText } from "../metrics/prometheus_text.ts";

type Families = Map<string, ReadFamily>;

async function scrape(api: RegistryApi): Promise<Families> {
  const response = await api.expect(200, "GET", "/metrics", { headers: { connection: "close" } });
  assert.equal(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  assert.equal(response.headers.get("cache-control"), "no-store");
  return readPrometheusText(await response.text());
}

const value = (families: Families, name: string, labels = {}): number =>
  findSample(families, `simple_registry_${name}`, labels) ?? 0;

Deno.test("a scrape counts the work of all threads, whichever of them answers", async () => {
  await using registry = await startRegistry({
    tls: false,
    server: "threads = 3",
    config: "[global.access_policy]\ndefault_allow = true",
  });
  using api = new RegistryApi(registry);
  const image = await buildImage();
  await api.pushImage("team/secret-project", image, "v1");
  const asked = 30;
  // Each on a connection of its own, so that all threads get some.
  await Promise.all(Array.from({ length: asked }, async () => {
    using one = new RegistryApi(registry);
    await (await one.expect(404, "GET", "/v2/team/secret-project/manifests/none")).body?.cancel();
  }));
  const countIn = (families: Awaited<ReturnType<typeof scrape>>) =>
    value(families, "requests_total", { operation: "get-manifest", status: "404" });
  let sum = 0;
  // A request is counted when its answer has left, so its client may look before that; but no count ever goes back.
  await until(async () => {
    const found = countIn(await scrape(api));
    assert.ok(found >= sum && found <= asked, `${found} after ${sum}`);
    return (sum = found) === asked;
  }, () => `${sum} of ${asked} were counted`);
  for (let i = 0; i < 10; i++) {
    using one = new RegistryApi(registry);
    const families = await scrape(one);
    assert.equal(countIn(families), asked);
    assert.equal(value(families, "http_threads"), 3);
    assert.ok(value(families, "requests_in_flight") >= 1, "the scrape itself");
    assert.ok(value(families, "requests_total", { operation: "put-manifest", status: "201" }) >= 1);
    assert.ok(value(families, "request_duration_seconds_count", { operation: "get-manifest" }) >= asked);
    assert.ok(value(families, "request_body_bytes_total", { operation: "complete-upload" }) > 0);
    assert.ok(value(families, "response_body_bytes_total", { operation: "get-manifest" }) > 0);
    assert.ok(value(families, "database_commit_duration_seconds_count") > 0);
    const lags = families.get("simple_registry_event_loop_lag_seconds")!.samples;
    const threads = new Set(lags.map(({ labels }) => labels.thread));
    assert.deepEqual([...threads].toSorted(), ["http-0", "http-1", "http-2", "main", "writer"]);
  }
});

Deno.test("nothing that a client chooses comes to stand in a label", async () => {
  await using registry = await startRegistry({ tls: false });
  using api = new RegistryApi(registry);
  const chosen = "chosenbyaclient";
  for (
    const [method, path] of [
      ["GET", `/v2/${chosen}/manifests/${chosen}`],
      ["GET", `/v2/${chosen}/blobs/sha256:${"0".repeat(64)}`],
      ["GET", `/${chosen}`],
      [chosen.toUpperCase(), "/v2/"],
      ["GET", `/v2/?${chosen}=1`],
    ] as const
  ) {
    const authorization = `Basic ${btoa(`${chosen}:${chosen}`)}`;
    await (await api.request(method, path, { headers: { authorization, "user-agent": chosen } })).body
      ?.cancel();
  }
  let text = "";
  // Counted when its answer has left, so that its client may look before that; the method is refused before it is a request.
  await until(async () => {
    text = await (await api.expect(200, "GET", "/metrics")).text();
    const { samples } = readPrometheusText(text).get("simple_registry_requests_total")!;
    const counted = samples.filter(({ labels }) => labels.operation !== "metrics");
    return counted.reduce((sum, { value }) => sum + value, 0) === 4;
  }, () => text);
  assert.match(text, /requests_total\{operation="unknown",status="404"\}/);
  assert.doesNotMatch(text, new RegExp(chosen, "i"));
});

Deno.test("the store, the disk, the process and the versions are told", async () => {
  await using registry = await startRegistry({
    tls: false,
    config: "[global.access_policy]\ndefault_allow = true",
  });
  using api = new RegistryApi(registry);
  const image = await buildImage();
  await api.pushImage("a", image, "v1");
  await api.pushImage("b", image, "v1");
  await api.openUpload("c");
  let families = await scrape(api);
  // Jobs begin with the server.
  await until(async () => {
    families = await scrape(api);
    return value(families, "job_runs_total", { task: "expiry of uploads", result: "done" }) >= 1;
  });
  assert.equal(value(families, "storage_repositories"), 2);
  assert.equal(value(families, "storage_manifests"), 2);
  assert.equal(value(families, "storage_tags"), 2);
  assert.equal(value(families, "storage_uploads_open"), 1);
  const blobs = [image.config, ...image.layers];
  assert.equal(value(families, "storage_blobs"), blobs.length);
  assert.equal(
    value(families, "storage_blob_bytes"),
    blobs.reduce((sum, { bytes }) => sum + bytes.length, 0),
  );
  assert.ok(value(families, "storage_database_bytes") > 4096);
  const [free, size] = [
    value(families, "storage_disk_free_bytes"),
    value(families, "storage_disk_size_bytes"),
  ];
  assert.ok(0 < free && free < size);
  assert.ok(findSample(families, "process_resident_memory_bytes")! > 10e6);
  assert.ok(findSample(families, "process_cpu_seconds_total")! > 0.05);
  const started = findSample(families, "process_start_time_seconds")! * 1000;
  assert.ok(Math.abs(started - Date.now()) < 600_000, new Date(started).toISOString());
  const [info] = families.get("simple_registry_build_info")!.samples;
  assert.match(`${info!.labels.version} ${info!.labels.deno}`, /^\d+\.\d+\.\d+ \d+\.\d+\.\d+$/);
});

Deno.test("of each quota of the configuration the limit is told, and how full the fullest repository is", async () => {
  await using registry = await startRegistry({
    tls: false,
    config: `[global.access_policy]
default_allow = true
[repository."team"]
quota_manifests = 5
quota_bytes = "1GiB"
[repository."small"]
quota_tags = 3
[repository."free"]
immutable_tags = true`,
  });
  using api = new RegistryApi(registry);
  const [one, other] = [await buildImage(), await buildImage()];
  await api.pushImage("team/a", one, "v1");
  await api.pushImage("team/b/c", one, "v1");
  await api.pushImage("team/b/c", other, "v2");
  for (const name of ["free", "team-x", "other"]) {
    for (const [tag, image] of Object.entries({ one, other })) await api.pushImage(name, image, tag);
  }
  await api.pushImage("small/x", one, "v1");
  const families = await scrape(api);
  const quotas = (name: string) =>
    Object.fromEntries(
      families.get(`simple_registry_${name}`)!.samples.map(({ labels, value }) => [
        `${labels.configured} ${labels.of}`,
        value,
      ]),
    );
  assert.deepEqual(quotas("quota_limit"), {
    "team bytes": 1024 ** 3,
    "team manifests": 5,
    "small tags": 3,
  });
  const { "team bytes": bytes, ...counts } = quotas("quota_used");
  assert.deepEqual(counts, { "team manifests": 2, "small tags": 1 });
  const blobs = [one, other].flatMap(({ config, layers, manifest }) => [config, ...layers, manifest]);
  const each = new Map(blobs.map(({ digest, bytes }) => [digest, bytes.length]));
  assert.equal(bytes, [...each.values()].reduce((sum, size) => sum + size, 0));
});

const CA = makeAuthority({ subject: "Client Root" });
const identityOf = (subject: string): ClientIdentity => {
  const made = makeClient(CA, { subject });
  return { certificatePem: made.pem, keyPem: made.keyPem };
};

async function startWithClients(): Promise<RunningRegistry> {
  return await startRegistry({
    server: "threads = 1",
    clientAuth: { caBundle: CA.pem, revocationLists: [makeRevocationList({ issuer: CA }).der] },
    config: `[global.access_policy]
rules = [
  "request.action == 'metrics' && identity.certificate.common_names.contains('prometheus')",
]`,
  });
}

Deno.test("whoever policy does not let gets no metrics: not without a certificate, not with another one", async () => {
  await using registry = await startWithClients();
  using nobody = new RegistryApi(registry);
  const anonymous = await nobody.expect(401, "GET", "/metrics");
  assert.match(await anonymous.text(), /no rule of the global access policy allows metrics/);
  using other = new RegistryApi(registry, identityOf("somebody"));
  const refused = await other.expect(403, "GET", "/metrics");
  assert.match(await refused.text(), /no rule of the global access policy allows metrics/);
  using prometheus = new RegistryApi(registry, identityOf("prometheus"));
  await scrape(prometheus);
  const head = await prometheus.expect(200, "HEAD", "/metrics");
  assert.equal(await head.text(), "");
  await (await prometheus.expect(405, "POST", "/metrics")).body?.cancel();
});

Deno.test("without any policy that covers it nobody gets metrics", async () => {
  await using registry = await startRegistry({
    tls: false,
    config: '[repository."a".access_policy]\ndefault_allow = true',
  });
  using api = new RegistryApi(registry);
  const refused = await api.expect(401, "GET", "/metrics");
  assert.match(await refused.text(), /no access policy covers metrics/);
});

Deno.test("handshakes, certificates and denials are told by classes of reasons", async () => {
  await using registry = await startWithClients();
  const stranger = makeClient(makeAuthority({ subject: "Foreign Root" }), { subject: "prometheus" });
  const prometheus = identityOf("prometheus");
  {
    using foreign = new RegistryApi(registry, { certificatePem: stranger.pem, keyPem: stranger.keyPem });
    await (await foreign.expect(403, "GET", "/metrics")).body?.cancel();
    using nobody = new RegistryApi(registry);
    await (await nobody.expect(401, "GET", "/v2/_catalog")).body?.cancel();
  }
  await assert.rejects(
    Deno.connectTls({ hostname: "localhost", port: registry.port }).then((c) => c.handshake()),
  );
  {
    using plain = await Deno.connect({ hostname: "127.0.0.1", port: registry.port });
    await plain.write(new TextEncoder().encode("GET / HTTP/1.1\r\n\r\n"));
    while (await plain.read(new Uint8Array(100)).catch(() => null) !== null);
  }
  using api = new RegistryApi(registry, prometheus);
  let families = await scrape(api);
  // A client that refuses the server's certificate is gone before the server hears of it.
  while (value(families, "tls_handshake_failures_total", { reason: "refused_by_client" }) === 0) {
    families = await scrape(api);
  }
  assert.ok(value(families, "tls_handshakes_total") >= 3);
  assert.equal(value(families, "tls_handshake_failures_total", { reason: "not_tls" }), 1);
  assert.ok(
    !families.has("simple_registry_broken_requests_total"),
    "a handshake that failed brought no request",
  );
  const results = (method: string, result: string) =>
    value(families, "authentications_total", { method, result });
  assert.ok(results("certificate", "accepted") >= 1);
  assert.equal(results("certificate", "unknown_issuer"), 1);
  assert.equal(results("none", "accepted"), 1);
  assert.equal(value(families, "policy_denials_total", { decided_by: "no rule" }), 1);
  for (const kind of ["server", "client_ca", "client_crl"]) {
    const ends = value(families, "certificate_expiry_timestamp_seconds", { kind });
    assert.ok(ends > Date.now() / 1000, `${kind}: ${ends}`);
  }
});
