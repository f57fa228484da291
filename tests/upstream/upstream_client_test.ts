import assert from "node:assert/strict";
import {
  buildImage,
  buildIndex,
  describeContent,
  makeContent,
  randomBytes,
} from "../harness/build_images.ts";
import { ScriptedUpstream, sendJson } from "./scripted_upstream.ts";
import {
  byDigest,
  digest,
  expectFault,
  makeClient,
  makeTlsPair,
  NAME,
  readAll,
  tagged,
} from "./upstream_trial.ts";

Deno.test("a manifest is fetched by tag and by digest, with its type and exactly its bytes", async () => {
  await using upstream = await ScriptedUpstream.start();
  const built = buildIndex({ docker: true });
  upstream.addImage(NAME, built, "v1");
  using client = makeClient(upstream);
  for (const reference of [tagged("v1"), byDigest(built.index.digest)]) {
    const found = await client.getManifest(NAME, reference);
    assert.equal(found?.digest, built.index.digest);
    assert.equal(found?.mediaType, built.index.mediaType);
    assert.deepEqual(found?.bytes, built.index.bytes);
  }
});

Deno.test("a manifest is described by HEAD, without a download", async () => {
  await using upstream = await ScriptedUpstream.start();
  const { manifest } = buildImage();
  upstream.addManifest(NAME, manifest, "v1");
  using client = makeClient(upstream);
  assert.deepEqual(await client.headManifest(NAME, tagged("v1")), describeContent(manifest));
  assert.equal(upstream.count("GET", /./), 0);
});

Deno.test("what a tag named is told to the upstream, which may answer that it still does", async () => {
  await using upstream = await ScriptedUpstream.start();
  const [first, second] = [buildImage().manifest, buildImage().manifest];
  upstream.addManifest(NAME, first, "v1");
  using client = makeClient(upstream);
  assert.equal(await client.headManifest(NAME, tagged("v1"), digest(first.digest)), "unchanged");
  assert.equal(upstream.asked[0]!.headers["if-none-match"], `"${first.digest}"`);
  upstream.addManifest(NAME, second, "v1");
  const moved = await client.headManifest(NAME, tagged("v1"), digest(first.digest));
  assert.deepEqual(moved, describeContent(second));
  upstream.script = (_, response) => (response.writeHead(304).end(), true);
  assert.equal(await client.headManifest(NAME, tagged("v1")), "unknown digest", "nobody asked it that");
});

Deno.test("what the upstream does not have is undefined, and no fault", async () => {
  await using upstream = await ScriptedUpstream.start();
  using client = makeClient(upstream);
  const absent = digest(`sha256:${"0".repeat(64)}`);
  assert.equal(await client.getManifest(NAME, tagged("v1")), undefined);
  assert.equal(await client.headManifest(NAME, tagged("v1")), undefined);
  assert.equal(await client.getBlob(NAME, absent), undefined);
  assert.equal(await client.headBlob(NAME, absent), undefined);
  assert.equal(await client.listTags(NAME, 10), undefined);
  assert.deepEqual(await client.listReferrers(NAME, absent, 10), []);
});

Deno.test("a blob comes with its size, and from an offset where one is asked for", async () => {
  await using upstream = await ScriptedUpstream.start();
  const blob = makeContent("application/octet-stream", randomBytes(3_000_000));
  upstream.addBlob(NAME, blob);
  using client = makeClient(upstream);
  assert.equal(await client.headBlob(NAME, digest(blob.digest)), 3_000_000);
  const whole = await client.getBlob(NAME, digest(blob.digest));
  assert.equal(whole?.size, 3_000_000);
  assert.deepEqual(await readAll(whole!.chunks), blob.bytes);
  const rest = await client.getBlob(NAME, digest(blob.digest), 2_999_990);
  assert.deepEqual([rest?.size, rest?.start], [3_000_000, 2_999_990]);
  assert.deepEqual(await readAll(rest!.chunks), blob.bytes.subarray(2_999_990));
});

Deno.test("all pages of the tags are read, and what is no tag is left out", async () => {
  await using upstream = await ScriptedUpstream.start();
  const { manifest } = buildImage();
  const tags = Array.from({ length: 2500 }, (_, i) => `t${i}`);
  upstream.addManifest(NAME, manifest, ...tags, "no/tag", "-neither");
  using client = makeClient(upstream);
  assert.deepEqual((await client.listTags(NAME, 10_000))?.toSorted(), tags.toSorted());
  assert.equal(upstream.count("GET", /tags\/list/), 3);
  assert.equal((await client.listTags(NAME, 10))?.length, 10);
});

Deno.test("referrers are listed with their annotations", async () => {
  await using upstream = await ScriptedUpstream.start();
  const { manifest } = buildImage();
  const signature = buildImage({ subject: manifest, artifactType: "application/x.signature" });
  const descriptor = {
    ...describeContent(signature.manifest),
    artifactType: "application/x.signature",
    annotations: { by: "test" },
  };
  upstream.addReferrer(NAME, manifest.digest, descriptor);
  using client = makeClient(upstream);
  assert.deepEqual(await client.listReferrers(NAME, digest(manifest.digest), 10), [descriptor]);
});

Deno.test("referrers are found in the fallback tag of a registry without their API", async () => {
  await using upstream = await ScriptedUpstream.start();
  const { manifest } = buildImage();
  const index = buildIndex();
  upstream.addManifest(NAME, index.index, manifest.digest.replace(":", "-"));
  upstream.script = ({ path }, response) => {
    if (!path.includes("/referrers/")) return false;
    sendJson(response, 404, {});
    return true;
  };
  using client = makeClient(upstream);
  const found = await client.listReferrers(NAME, digest(manifest.digest), 10);
  assert.deepEqual(
    found.map((each) => each.digest as string),
    index.images.map((image) => image.manifest.digest).toSorted(),
  );
});

for (
  const [what, status, headers] of [
    ["406, as Artifactory has it,", 406, {}],
    ["400", 400, {}],
    ["405", 405, {}],
    ["200 and something else", 200, { "content-type": "text/html" }],
  ] as const
) {
  Deno.test(`a registry that answers ${what} has no referrers API, and its fallback tag is read`, async () => {
    await using upstream = await ScriptedUpstream.start();
    const { manifest } = buildImage();
    const { index, images } = buildIndex();
    upstream.addManifest(NAME, index, manifest.digest.replace(":", "-"));
    upstream.script = ({ path }, response) => {
      if (!path.includes("/referrers/")) return false;
      sendJson(response, status, {}, headers);
      return true;
    };
    using client = makeClient(upstream);
    const found = await client.listReferrers(NAME, digest(manifest.digest), 10);
    assert.equal(found.length, images.length);
  });
}

for (const docker of [false, true]) {
  Deno.test(`a registry that takes the fallback tag of ${docker ? "a Docker list" : "an index"} for its digest, as GitLab does, lists no referrers`, async () => {
    await using upstream = await ScriptedUpstream.start();
    const { index } = buildIndex({ docker });
    upstream.addManifest(NAME, index, index.digest.replace(":", "-"));
    upstream.script = ({ path }, response) => {
      if (!path.includes("/referrers/")) return false;
      sendJson(response, 404, {});
      return true;
    };
    using client = makeClient(upstream);
    assert.deepEqual(await client.listReferrers(NAME, digest(index.digest), 10), []);
  });
}

Deno.test("a manifest that is sent as text is taken for what it says itself", async () => {
  await using upstream = await ScriptedUpstream.start();
  const { manifest } = buildImage({ docker: true });
  upstream.script = (_, response) => {
    response.writeHead(200, { "content-type": "text/plain; charset=utf-8" }).end(manifest.bytes);
    return true;
  };
  using client = makeClient(upstream);
  assert.equal((await client.getManifest(NAME, tagged("v1")))?.mediaType, manifest.mediaType);
  assert.equal(await client.headManifest(NAME, tagged("v1")), "unknown digest");
});

Deno.test("an upstream is asked over TLS, with a private CA and a client certificate", async () => {
  const { caPem, server, client: clientCertificate } = makeTlsPair(["upstream.test"]);
  await using upstream = await ScriptedUpstream.start({ tls: { ...server, clientCa: caPem } });
  const { manifest } = buildImage();
  upstream.addManifest(NAME, manifest, "v1");
  const hosts = { "upstream.test": ["127.0.0.1"], "other.test": ["127.0.0.1"] };
  for (const host of ["127.0.0.1", "upstream.test"]) {
    const url = `https://${host}:${upstream.port}`;
    using client = makeClient({ url, hosts, trustedCas: caPem, clientCertificate });
    assert.equal(
      (await client.headManifest(NAME, tagged("v1")) as { digest: string }).digest,
      manifest.digest,
    );
    using stranger = makeClient({ url, hosts, trustedCas: caPem });
    await assert.rejects(stranger.headManifest(NAME, tagged("v1")));
    using distrustful = makeClient({ url, hosts, clientCertificate });
    await expectFault(distrustful.headManifest(NAME, tagged("v1")), "unreachable");
  }
  using misled = makeClient({
    url: `https://other.test:${upstream.port}`,
    hosts,
    trustedCas: caPem,
    clientCertificate,
  });
  await expectFault(misled.headManifest(NAME, tagged("v1")), "unreachable", /altnames/);
});

Deno.test("the next address of a host is asked where the first one does not answer", async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.addManifest(NAME, buildImage().manifest, "v1");
  const hosts = { "two.test": ["127.0.0.2", "127.0.0.1"] };
  using client = makeClient({ url: `http://two.test:${upstream.port}`, hosts });
  assert.ok(await client.getManifest(NAME, tagged("v1")));
});

Deno.test("an upstream that gives no answer in time is not asked the same once more", async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.addManifest(NAME, buildImage().manifest, "v1");
  using client = makeClient({ url: upstream.url, readTimeoutMs: 1000 });
  // The first one makes the connection, the second uses it again.
  for (let i = 0; i < 2; i++) assert.ok(await client.getManifest(NAME, tagged("v1")));
  const closed = Promise.withResolvers<void>();
  upstream.script = (_asked, response) => {
    response.socket!.on("close", () => closed.resolve());
    return true;
  };
  upstream.asked.length = 0;
  await expectFault(client.getManifest(NAME, tagged("v1")), "timeout");
  await closed.promise;
  upstream.script = () => false;
  // Another one, since the first leaves a host that failed alone for a while.
  using other = makeClient({ url: upstream.url });
  assert.ok(await other.getManifest(NAME, tagged("v1")));
  assert.equal(upstream.asked.length, 2, "the one whose time was over, and the last");
});

Deno.test("a name that nobody looks up in time is given up like a host that does not answer", async () => {
  using client = makeClient({
    url: "https://upstream.example",
    connectTimeoutMs: 100,
    resolve: () => new Promise<never>(() => {}),
  });
  await expectFault(
    client.getManifest(NAME, tagged("v1")),
    "timeout",
    /^the name "upstream\.example" was not looked up within 0\.1 s$/,
  );
});
