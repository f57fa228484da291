/** A running server as a mirror: what holds across its threads, its sockets and its files. */
import assert from "node:assert/strict";
import { connect } from "node:net";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";
import { buildIndex, type BuiltImage, makeContent, randomBytes } from "../harness/build_images.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { inTries } from "../harness/tries.ts";
import { ScriptedUpstream } from "../upstream/scripted_upstream.ts";

const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

function startMirror(upstream: ScriptedUpstream, rootDir?: string): Promise<RunningRegistry> {
  return startRegistry({
    ...(rootDir !== undefined && { rootDir }),
    tls: false,
    server: "threads = 3",
    config: `[repository."hub"]
[[repository."hub".upstream]]
url = "${upstream.url}"
allowed_addresses = ["127.0.0.1"]
read_timeout_secs = 1
[global.access_policy]
default_allow = true`,
  });
}

/** GET on a connection of its own, so that requests spread over the threads; gives what came, also of a cut answer. */
function pullAlone(
  { port }: RunningRegistry,
  path: string,
  onData: (bytes: number) => void = () => {},
): Promise<{ status: number; body: Uint8Array; whole: boolean; head: string }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    const chunks: Uint8Array[] = [];
    let length = 0;
    socket.on("data", (chunk: Uint8Array) => {
      chunks.push(chunk);
      onData(length += chunk.length);
    });
    socket.on("error", reject);
    socket.on("close", () => {
      const all = new Uint8Array(length);
      chunks.reduce((at, chunk) => (all.set(chunk, at), at + chunk.length), 0);
      const end = new TextDecoder("latin1").decode(all.subarray(0, 4096)).indexOf("\r\n\r\n");
      const head = new TextDecoder().decode(all.subarray(0, Math.max(0, end)));
      const body = all.subarray(end + 4);
      const promised = Number(/^content-length: ([0-9]+)$/im.exec(head)?.[1]);
      resolve({ status: Number(head.slice(9, 12)), body, whole: body.length === promised, head });
    });
    socket.write(`GET ${path} HTTP/1.1\r\nhost: mirror\r\nconnection: close\r\n\r\n`);
  });
}

Deno.test("100 clients of all threads that miss the same image cause one request for each of its parts", async () => {
  await using upstream = await ScriptedUpstream.start();
  const built = buildIndex({ layerSizes: [3_000_000] });
  upstream.addImage("library/app", built, "latest");
  await using mirror = await startMirror(upstream);
  const [image] = built.images;
  const parts = [
    ["manifests/latest", built.index.bytes],
    [`manifests/${image!.manifest.digest}`, image!.manifest.bytes],
    [`blobs/${image!.config.digest}`, image!.config.bytes],
    [`blobs/${image!.layers[0]!.digest}`, image!.layers[0]!.bytes],
  ] as const;
  for (const [path, expected] of parts) {
    const pulls = await Promise.all(
      Array.from({ length: 100 }, () => pullAlone(mirror, `/v2/hub/library/app/${path}`)),
    );
    for (const { status, body } of pulls) {
      assert.equal(status, 200);
      assertSameBytes(body, expected);
    }
    assert.equal(upstream.count("GET", new RegExp(`/v2/library/app/${path}$`)), 1, path);
  }
  assert.equal(upstream.asked.length, parts.length);
  using api = new RegistryApi(mirror);
  const metrics = await (await api.expect(200, "GET", "/metrics")).text();
  const asked =
    `simple_registry_upstream_requests_total{upstream="${upstream.url}",question="get-blob",result="found"}`;
  assert.ok(metrics.includes(`${asked} 2\n`), "the upstream's requests are counted");
});

Deno.test("an upstream that dies at half of a blob: every client is cut there, and nothing is left on the disk", async () => {
  const upstream = await ScriptedUpstream.start();
  const blob = makeContent(LAYER, randomBytes(8_000_000));
  const half = blob.bytes.length / 2;
  upstream.script = (_, response) => {
    response.writeHead(200, { "content-length": blob.bytes.length });
    response.write(blob.bytes.subarray(0, half));
    return true;
  };
  await using mirror = await startMirror(upstream);
  const sawHalf = Promise.withResolvers<void>();
  const pulls = Array.from(
    { length: 10 },
    () =>
      pullAlone(mirror, `/v2/hub/a/blobs/${blob.digest}`, (bytes) => {
        if (bytes >= half) sawHalf.resolve();
      }),
  );
  await sawHalf.promise;
  await upstream[Symbol.asyncDispose]();
  for (const { status, whole, body } of await Promise.all(pulls)) {
    assert.equal(status, 200);
    assert.ok(!whole, "the answer has no end");
    assertSameBytes(body, blob.bytes.subarray(0, body.length));
  }
  assert.deepEqual([...Deno.readDirSync(`${mirror.rootDir}/uploads`)].map(({ name }) => name), []);
  assert.equal((await pullAlone(mirror, `/v2/hub/a/blobs/${blob.digest}`)).status, 502);
  assert.equal((await pullAlone(mirror, `/v2/hub/a/manifests/latest`)).status, 502);
});

Deno.test(
  "an upstream that stands still is given up, and the clients that waited are cut",
  inTries(async () => {
    await using upstream = await ScriptedUpstream.start();
    const blob = makeContent(LAYER, randomBytes(1_000_000));
    upstream.script = (_, response) => {
      response.writeHead(200, { "content-length": blob.bytes.length });
      response.write(blob.bytes.subarray(0, 500_000));
      return true;
    };
    await using mirror = await startMirror(upstream);
    const begun = performance.now();
    const pulls = await Promise.all(
      Array.from({ length: 4 }, () => pullAlone(mirror, `/v2/hub/a/blobs/${blob.digest}`)),
    );
    assert.ok(pulls.every(({ whole, body }) => !whole && body.length >= 400_000));
    assert.ok(performance.now() - begun < 10_000);
  }),
);

Deno.test("a lie is cut before its end for every client, and the next pull brings the truth", async () => {
  await using upstream = await ScriptedUpstream.start();
  const blob = makeContent(LAYER, randomBytes(3_000_000));
  upstream.addBlob("a", { ...blob, bytes: randomBytes(3_000_000) });
  await using mirror = await startMirror(upstream);
  const pulls = await Promise.all(
    Array.from({ length: 20 }, () => pullAlone(mirror, `/v2/hub/a/blobs/${blob.digest}`)),
  );
  // Whoever comes after the end of the first download begins another one.
  assert.ok(pulls.every(({ whole, status }) => !whole || status === 502));
  upstream.addBlob("a", blob);
  const honest = await pullAlone(mirror, `/v2/hub/a/blobs/${blob.digest}`);
  assertSameBytes(honest.body, blob.bytes);
});

Deno.test("what a killed server had downloaded of a blob is removed by the next one", async () => {
  await using upstream = await ScriptedUpstream.start();
  const blob = makeContent(LAYER, randomBytes(2_000_000));
  upstream.script = (_, response) => {
    response.writeHead(200, { "content-length": blob.bytes.length });
    response.write(blob.bytes.subarray(0, 1_000_000));
    return true;
  };
  const rootDir = await Deno.makeTempDir();
  const listUploads = () => [...Deno.readDirSync(`${rootDir}/uploads`)].map(({ name }) => name);
  try {
    const halfSent = Promise.withResolvers<void>();
    {
      await using killed = await startMirror(upstream, rootDir);
      pullAlone(killed, `/v2/hub/a/blobs/${blob.digest}`, () => halfSent.resolve()).catch(() => {});
      await halfSent.promise;
      await killed.kill("SIGKILL");
    }
    assert.equal(listUploads().length, 1);
    upstream.script = () => false;
    upstream.addBlob("a", blob);
    await using mirror = await startMirror(upstream, rootDir);
    assertSameBytes((await pullAlone(mirror, `/v2/hub/a/blobs/${blob.digest}`)).body, blob.bytes);
    await mirror.stop();
    assert.deepEqual(listUploads(), []);
  } finally {
    await Deno.remove(rootDir, { recursive: true });
  }
});

Deno.test("what was pulled is there after a restart, also with the upstream gone", async () => {
  const upstream = await ScriptedUpstream.start();
  const built = buildIndex();
  upstream.addImage("library/app", built, "latest");
  const rootDir = await Deno.makeTempDir();
  const config = `[repository."hub"]\n[[repository."hub".upstream]]\nurl = "${upstream.url}"\n` +
    'allowed_addresses = ["127.0.0.1"]\n[global.access_policy]\ndefault_allow = true';
  const [{ manifest, layers: [layer] }] = built.images as [BuiltImage];
  const paths = ["manifests/latest", `manifests/${manifest.digest}`, `blobs/${layer!.digest}`];
  try {
    for (const warning of [false, true]) {
      await using mirror = await startRegistry({ tls: false, rootDir, config });
      for (const path of paths) {
        const { status, head, whole } = await pullAlone(mirror, `/v2/hub/library/app/${path}`);
        assert.deepEqual([status, whole], [200, true], path);
        assert.equal(/^warning: 110 /im.test(head), warning && path === "manifests/latest", path);
      }
      if (!warning) await upstream[Symbol.asyncDispose]();
    }
  } finally {
    await Deno.remove(rootDir, { recursive: true });
  }
});
