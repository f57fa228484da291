/** Manifests of a mirror: fetched once, asked for again when they are old, served from the copy in an outage. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { OciError } from "../../src/core/oci_error.ts";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";
import { buildImage, buildIndex } from "../harness/build_images.ts";
import { inTries } from "../harness/tries.ts";
import { until } from "../harness/until.ts";
import { sendJson } from "../upstream/scripted_upstream.ts";
import { APP, openTrial, REMOTE } from "./mirror_trial.ts";

const LATEST = `/v2/${APP}/manifests/latest`;
const STALE = '110 simple-registry "Response is Stale"';

Deno.test("a tag that is not here is fetched once, whatever the number of clients, and then is here", async () => {
  await using trial = await openTrial();
  const { upstream, client } = trial;
  const image = buildImage();
  upstream.addImage(REMOTE, image, "latest");
  const answers = await Promise.all(Array.from({ length: 100 }, () => client.send("GET", LATEST)));
  for (const { status, headers, body } of answers) {
    assert.equal(status, 200);
    assert.deepEqual(body, image.manifest.bytes);
    assert.equal(headers["docker-content-digest"], image.manifest.digest);
    assert.equal(headers["warning"], undefined);
  }
  await client.send("GET", LATEST);
  await client.send("GET", `/v2/${APP}/manifests/${image.manifest.digest}`);
  await client.send("HEAD", LATEST);
  assert.deepEqual(upstream.asked.map(({ method, path }) => [method, path]), [
    ["GET", `/v2/${REMOTE}/manifests/latest`],
  ]);
});

Deno.test("a digest that is not here is fetched once, and no tag is made of it", async () => {
  await using trial = await openTrial();
  const { upstream, client } = trial;
  const { index, images } = buildIndex();
  upstream.addImage(REMOTE, { index, images }, "latest");
  const [wanted] = images;
  const target = `/v2/${APP}/manifests/${wanted!.manifest.digest}`;
  const answers = await Promise.all(Array.from({ length: 20 }, () => client.send("GET", target)));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.equal(upstream.asked.length, 1);
  upstream.script = (_, response) => (sendJson(response, 500, {}), true);
  assert.equal((await client.send("GET", LATEST)).status, 502, "the tag is not known");
});

Deno.test("of an index only what is asked for is fetched", async () => {
  await using trial = await openTrial();
  const { upstream, client } = trial;
  const built = buildIndex();
  upstream.addImage(REMOTE, built, "latest");
  assert.deepEqual((await client.send("GET", LATEST)).body, built.index.bytes);
  const arm = built.images[1]!.manifest;
  assert.deepEqual((await client.send("GET", `/v2/${APP}/manifests/${arm.digest}`)).body, arm.bytes);
  assert.deepEqual(upstream.asked.map(({ path }) => path), [
    `/v2/${REMOTE}/manifests/latest`,
    `/v2/${REMOTE}/manifests/${arm.digest}`,
  ]);
});

Deno.test("with revalidate_after = 0 each pull of a tag asks by HEAD, and fetches only what is new", async () => {
  await using trial = await openTrial({ rules: { revalidateAfter: 0 } });
  const { upstream, client } = trial;
  const [first, second] = [buildImage(), buildImage()];
  upstream.addImage(REMOTE, first, "latest");
  await client.send("GET", LATEST);
  assert.deepEqual((await client.send("GET", LATEST)).body, first.manifest.bytes);
  upstream.addImage(REMOTE, second, "latest");
  assert.deepEqual((await client.send("GET", LATEST)).body, second.manifest.bytes);
  // The former one is known by its digest: to let the tag name it again takes no download.
  upstream.addImage(REMOTE, first, "latest");
  assert.deepEqual((await client.send("GET", LATEST)).body, first.manifest.bytes);
  assert.deepEqual(upstream.asked.map(({ method }) => method), ["GET", "HEAD", "HEAD", "GET", "HEAD"]);
});

Deno.test("an upstream that says by 304 that a tag stayed, and one that says its digest, are both believed", async () => {
  for (const [answers304, status] of [[true, 304], [false, 200]] as const) {
    await using trial = await openTrial({ rules: { revalidateAfter: 0 } });
    const { upstream, client } = trial;
    const image = buildImage();
    upstream.addImage(REMOTE, image, "latest");
    await client.send("GET", LATEST);
    const statuses: number[] = [];
    upstream.script = (asked, response) => {
      response.on("close", () => statuses.push(response.statusCode));
      upstream.serve(answers304 ? asked : { ...asked, headers: {} }, response);
      return true;
    };
    for (let i = 0; i < 2; i++) {
      const { headers, body } = await client.send("GET", LATEST);
      assert.deepEqual(body, image.manifest.bytes);
      assert.equal(headers["warning"], undefined);
    }
    assert.deepEqual(upstream.asked.map(({ method }) => method), ["GET", "HEAD", "HEAD"]);
    await until(() => statuses.length === 2);
    assert.deepEqual(statuses, [status, status]);
  }
});

Deno.test("within revalidate_after nobody is asked, after it the tag moves", async () => {
  await using trial = await openTrial({ rules: { revalidateAfter: 300 } });
  const { upstream, client } = trial;
  const [first, second] = [buildImage(), buildImage()];
  upstream.addImage(REMOTE, first, "latest");
  const fetched = performance.now();
  await client.send("GET", LATEST);
  upstream.addImage(REMOTE, second, "latest");
  const early = await client.send("GET", LATEST);
  if (performance.now() - fetched < 300) assert.deepEqual(early.body, first.manifest.bytes);
  await new Promise((resolve) => setTimeout(resolve, 310));
  assert.deepEqual((await client.send("GET", LATEST)).body, second.manifest.bytes);
});

for (
  const [name, setting] of [
    ['revalidate_after = "never"', { rules: { revalidateAfter: Infinity } }],
    ["an immutable tag", { rules: { revalidateAfter: 0 }, repository: { isImmutable: () => true } }],
  ] as const
) {
  Deno.test(`${name}: what is here is served without a question`, async () => {
    await using trial = await openTrial(setting);
    const { upstream, client } = trial;
    upstream.addImage(REMOTE, buildImage(), "latest");
    const first = await client.send("GET", LATEST);
    upstream.addImage(REMOTE, buildImage(), "latest");
    assert.deepEqual((await client.send("GET", LATEST)).body, first.body);
    assert.equal(upstream.asked.length, 1);
  });
}

const OUTAGES: Record<string, (response: ServerResponse) => void> = {
  "answers 500": (response) => sendJson(response, 500, {}),
  "answers 503": (response) => sendJson(response, 503, {}),
  "answers 401": (response) => sendJson(response, 401, {}, { "www-authenticate": "Basic" }),
  "answers 403": (response) => sendJson(response, 403, {}),
  "answers 429": (response) => sendJson(response, 429, {}, { "retry-after": "3600" }),
  "hangs up": (response) => response.destroy(),
};

for (const [name, fail] of Object.entries(OUTAGES)) {
  Deno.test(`an upstream that ${name}: the copy is served, marked as stale and logged, once for a while`, async () => {
    await using trial = await openTrial({ rules: { revalidateAfter: 0 } });
    const { upstream, client, registry } = trial;
    upstream.addImage(REMOTE, buildImage(), "latest");
    const fresh = await client.send("GET", LATEST);
    upstream.script = (_, response) => (fail(response), true);
    const asked = upstream.asked.length;
    for (let pull = 0; pull < 3; pull++) {
      const { status, headers, body } = await client.send("GET", LATEST);
      assert.deepEqual([status, headers["warning"]], [200, STALE]);
      assert.deepEqual(body, fresh.body);
    }
    // One retry of a connection that was closed, and one answer to a challenge, are of the same question.
    assert.ok(upstream.asked.length - asked <= 2, `${upstream.asked.length - asked} questions`);
    const lines = registry.lines.filter(({ level }) => level === "warn");
    assert.deepEqual(lines.map(({ message }) => message), ["a tag of a mirror is served from the copy here"]);
    assert.equal(lines[0]!.fields?.repository, APP);
    assert.ok(lines[0]!.fields?.reason);
  });
}

Deno.test(
  "an upstream that is gone: the copy is served, and what is not here is refused fast and never with 404",
  inTries(async () => {
    await using trial = await openTrial({ rules: { revalidateAfter: 0 } });
    const { upstream, client } = trial;
    const image = buildImage();
    upstream.addImage(REMOTE, image, "latest");
    await client.send("GET", LATEST);
    await upstream[Symbol.asyncDispose]();
    assert.equal((await client.send("GET", LATEST)).headers["warning"], STALE);
    const begun = performance.now();
    for (
      const path of [
        "manifests/other",
        `manifests/${image.config.digest}`,
        `blobs/${image.config.digest}`,
      ]
    ) {
      const { status, json } = await client.send("GET", `/v2/${APP}/${path}`);
      assert.equal(status, 502, path);
      assert.equal(json.errors[0].code, "UPSTREAM_UNAVAILABLE");
      assert.match(
        json.errors[0].message,
        /^the registry that this repository mirrors fails or does not answer/,
      );
    }
    assert.ok(performance.now() - begun < 1000);
  }),
);

Deno.test(
  "an upstream that does not answer in time: 504, and the next ones do not wait for it",
  inTries(async () => {
    await using trial = await openTrial({ target: { readTimeoutMs: 200 } });
    const { upstream, client } = trial;
    upstream.script = () => true;
    const first = await client.send("GET", LATEST);
    assert.equal(first.status, 504);
    const begun = performance.now();
    assert.ok((await client.send("GET", `/v2/${APP}/manifests/other`)).status >= 502);
    assert.ok(performance.now() - begun < 150);
    assert.equal(upstream.asked.length, 1);
  }),
);

Deno.test("429 without a copy goes on to the client with its Retry-After, and the upstream is left alone", async () => {
  await using trial = await openTrial();
  const { upstream, client } = trial;
  upstream.script = (_, response) => (sendJson(response, 429, {}, { "retry-after": "120" }), true);
  for (let pull = 0; pull < 3; pull++) {
    const { status, headers, json } = await client.send("GET", LATEST);
    assert.equal(status, 429);
    assert.ok(Number(headers["retry-after"]) > 100 && Number(headers["retry-after"]) <= 120);
    assert.match(
      json.errors[0].message,
      /^Cannot pull from mirror "hub\/library\/app": the upstream limits /,
    );
  }
  assert.equal(upstream.asked.length, 1);
});

Deno.test("a tag that moved to what there is no room for is served as it was", async () => {
  await using trial = await openTrial({ rules: { revalidateAfter: 0 } });
  const { upstream, client, registry } = trial;
  const [first, second] = [buildImage(), buildImage()];
  upstream.addImage(REMOTE, first, "latest");
  await client.send("GET", LATEST);
  upstream.addImage(REMOTE, second, "latest");
  registry.metadata.putManifest = () => Promise.reject(new OciError("INSUFFICIENT_STORAGE"));
  const { headers, body } = await client.send("GET", LATEST);
  assert.equal(headers["warning"], STALE);
  assertSameBytes(body, first.manifest.bytes);
  const other = await client.send("GET", `/v2/${APP}/manifests/${second.manifest.digest}`);
  assert.equal(other.status, 507);
});

Deno.test('on_upstream_error = "fail": a copy that cannot be confirmed is not served', async () => {
  await using trial = await openTrial({ rules: { revalidateAfter: 0, onUpstreamError: "fail" } });
  const { upstream, client } = trial;
  upstream.addImage(REMOTE, buildImage(), "latest");
  await client.send("GET", LATEST);
  upstream.script = (_, response) => (sendJson(response, 500, {}), true);
  assert.equal((await client.send("GET", LATEST)).status, 502);
});

for (const onUpstreamNotFound of ["serve-stale", "fail"] as const) {
  Deno.test(`on_upstream_not_found = "${onUpstreamNotFound}": a tag that was deleted upstream`, async () => {
    await using trial = await openTrial({ rules: { revalidateAfter: 0, onUpstreamNotFound } });
    const { upstream, client } = trial;
    upstream.addImage(REMOTE, buildImage(), "latest");
    await client.send("GET", LATEST);
    upstream.removeTag(REMOTE, "latest");
    const { status, headers } = await client.send("GET", LATEST);
    if (onUpstreamNotFound === "fail") assert.equal(status, 404);
    else assert.deepEqual([status, headers["warning"]], [200, STALE]);
  });
}

Deno.test("what no upstream has is answered 404 in the words of the repository", async () => {
  await using trial = await openTrial();
  const { status, json } = await trial.client.send("GET", LATEST);
  assert.equal(status, 404);
  assert.equal(json.errors[0].message, `Repository "${APP}" has no tag "latest"`);
});

Deno.test("offline = true: what is here is served, the rest is 404, and no upstream is ever asked", async () => {
  const rules = { offline: false };
  await using trial = await openTrial({ rules: { revalidateAfter: 0 } });
  const { upstream, client, registry } = trial;
  const image = buildImage();
  upstream.addImage(REMOTE, image, "latest");
  await client.send("GET", LATEST);
  await using other = await openTrial({ rules: { revalidateAfter: 0, ...rules, offline: true } });
  const stored = await registry.metadata.findManifest(APP, { kind: "tag", tag: "latest" as never });
  await other.registry.metadata.putManifest({
    repository: APP,
    ...stored!,
    references: [],
    tags: ["latest" as never],
    requireBlobs: false,
    at: 1,
  });
  const held = await other.client.send("GET", LATEST);
  assert.deepEqual([held.status, held.headers["warning"]], [200, undefined]);
  assert.equal((await other.client.send("GET", `/v2/${APP}/manifests/other`)).status, 404);
  assert.equal((await other.client.send("GET", `/v2/${APP}/blobs/${image.config.digest}`)).status, 404);
  assert.equal((await other.client.send("HEAD", `/v2/${APP}/blobs/${image.config.digest}`)).status, 404);
  assert.deepEqual(other.upstream.asked, []);
});

Deno.test("policies come first: who is refused causes no question to an upstream", async () => {
  await using trial = await openTrial();
  const { upstream, client, registry } = trial;
  const image = buildImage();
  upstream.addImage(REMOTE, image, "latest");
  registry.refuse = () => "not yours";
  for (const path of ["manifests/latest", `blobs/${image.config.digest}`, "tags/list"]) {
    assert.equal((await client.send("GET", `/v2/${APP}/${path}`)).status, 403);
  }
  assert.equal((await client.send("HEAD", `/v2/${APP}/blobs/${image.config.digest}`)).status, 404);
  assert.deepEqual(upstream.asked, []);
});

Deno.test("repositories that are pushed to never ask an upstream", async () => {
  await using trial = await openTrial();
  const { upstream, client } = trial;
  upstream.addImage(REMOTE, buildImage(), "latest");
  assert.equal((await client.send("GET", `/v2/${REMOTE}/manifests/latest`)).status, 404);
  assert.deepEqual(upstream.asked, []);
});

Deno.test("an upstream that lies about a manifest: nothing is stored, and the next honest answer is", async () => {
  await using trial = await openTrial();
  const { upstream, client, registry } = trial;
  const [image, evil] = [buildImage(), buildImage()];
  upstream.addImage(REMOTE, image, "latest");
  const lie = (headers: Record<string, string>) => (_: unknown, response: ServerResponse) => {
    response.writeHead(200, {
      "content-type": evil.manifest.mediaType,
      "content-length": evil.manifest.bytes.length,
      ...headers,
    });
    response.end(evil.manifest.bytes);
    return true;
  };
  upstream.script = lie({});
  assert.equal((await client.send("GET", `/v2/${APP}/manifests/${image.manifest.digest}`)).status, 502);
  upstream.script = lie({ "docker-content-digest": image.manifest.digest });
  assert.equal((await client.send("GET", LATEST)).status, 502);
  upstream.script = (_, response) => {
    sendJson(response, 200, { hello: "world" }, { "content-type": image.manifest.mediaType });
    return true;
  };
  assert.equal((await client.send("GET", LATEST)).status, 502);
  assert.deepEqual(await registry.metadata.listTags(APP, { limit: 10 }), []);
  upstream.script = () => false;
  assert.deepEqual((await client.send("GET", LATEST)).body, image.manifest.bytes);
});

Deno.test("several upstreams: the first that has it is taken, also when one before it fails", async () => {
  await using first = await openTrial();
  const { upstream: second } = first;
  await using trial = await openTrial({ others: [second] });
  const { upstream, client } = trial;
  const [own, other] = [buildImage(), buildImage()];
  second.addImage(REMOTE, other, "latest", "only-there");
  upstream.addImage(REMOTE, own, "latest");
  assert.deepEqual((await client.send("GET", LATEST)).body, own.manifest.bytes);
  const there = `/v2/${APP}/manifests/only-there`;
  assert.deepEqual((await client.send("GET", there)).body, other.manifest.bytes);
  upstream.script = (_, response) => (sendJson(response, 500, {}), true);
  const [layer] = other.layers;
  assertSameBytes((await client.send("GET", `/v2/${APP}/blobs/${layer!.digest}`)).body, layer!.bytes);
  assert.equal((await client.send("GET", `/v2/${APP}/manifests/nowhere`)).status, 502, "one could not say");
});
