/** What a hostile or broken upstream can do to the one who asks it: nothing but fail. */
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { OCI_INDEX } from "../../src/core/media_type.ts";
import { buildImage, describeContent, makeContent, randomBytes } from "../harness/build_images.ts";
import { inTries } from "../harness/tries.ts";
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

const CREDENTIALS = { username: "robot", password: "s3cret" };
const blob = makeContent("application/octet-stream", randomBytes(100_000));

/** An upstream, and another server that must not be asked. */
async function startWithCanary() {
  const upstream = await ScriptedUpstream.start();
  const canary = await ScriptedUpstream.start();
  const dispose = async () => {
    await upstream[Symbol.asyncDispose]();
    await canary[Symbol.asyncDispose]();
  };
  return { upstream, canary, [Symbol.asyncDispose]: dispose };
}

function redirect(response: ServerResponse, location: string, status = 307): boolean {
  response.writeHead(status, { location, "content-length": 0 }).end();
  return true;
}

Deno.test("a token service at another place is neither asked nor shown credentials", async () => {
  await using servers = await startWithCanary();
  const { upstream, canary } = servers;
  upstream.script = (_, response) => {
    sendJson(response, 401, {}, { "www-authenticate": `Bearer realm="${canary.url}/token",service="s"` });
    return true;
  };
  using client = makeClient({ url: upstream.url, ...CREDENTIALS });
  await expectFault(
    client.getManifest(NAME, tagged("v1")),
    "unsafe",
    new RegExp(`"${canary.host}".*token_realms`),
  );
  assert.deepEqual(canary.asked, []);
});

Deno.test("a token service that is listed is asked", async () => {
  await using servers = await startWithCanary();
  const { upstream, canary } = servers;
  upstream.addManifest(NAME, buildImage().manifest, "v1");
  canary.script = (_, response) => {
    sendJson(response, 200, { token: "t" });
    return true;
  };
  upstream.script = ({ headers }, response) => {
    if (headers.authorization === "Bearer t") return false;
    sendJson(response, 401, {}, { "www-authenticate": `Bearer realm="${canary.url}/token"` });
    return true;
  };
  using client = makeClient({ url: upstream.url, ...CREDENTIALS, tokenRealms: [canary.host] });
  assert.ok(await client.getManifest(NAME, tagged("v1")));
  assert.equal(canary.asked.length, 1);
});

Deno.test("a redirect is followed without credentials", async () => {
  await using servers = await startWithCanary();
  const { upstream, canary } = servers;
  canary.addBlob(NAME, blob);
  upstream.script = ({ path, headers }, response) => {
    if (headers.authorization === undefined) {
      sendJson(response, 401, {}, { "www-authenticate": "Basic" });
      return true;
    }
    return redirect(response, `${canary.url}${path}?signature=x`);
  };
  using client = makeClient({ url: upstream.url, ...CREDENTIALS });
  const found = await client.getBlob(NAME, digest(blob.digest));
  assert.deepEqual(await readAll(found!.chunks), blob.bytes);
  assert.equal(canary.asked.length, 1);
  assert.equal(canary.asked[0]?.headers.authorization, undefined);
});

Deno.test("a redirect to another port of the same address carries no credentials either, one to the same origin does", async () => {
  await using servers = await startWithCanary();
  const { upstream, canary } = servers;
  upstream.addBlob(NAME, blob);
  upstream.script = ({ path, headers }, response) => {
    if (headers.authorization === undefined) {
      sendJson(response, 401, {}, { "www-authenticate": "Basic" });
      return true;
    }
    return path.includes("moved") ? false : redirect(response, `${path}?moved`);
  };
  using client = makeClient({ url: upstream.url, ...CREDENTIALS });
  assert.ok(await client.getBlob(NAME, digest(blob.digest)));
  assert.ok(upstream.asked.at(-1)?.headers.authorization);
  assert.deepEqual(canary.asked, []);
});

Deno.test("a client certificate is shown to the configured host only", async () => {
  const { caPem, server, client: clientCertificate } = makeTlsPair();
  await using upstream = await ScriptedUpstream.start({ tls: { ...server, clientCa: caPem } });
  await using canary = await ScriptedUpstream.start({ tls: { ...server, clientCa: caPem } });
  upstream.script = ({ path }, response) => redirect(response, `${canary.url}${path}`);
  using client = makeClient({ url: upstream.url, trustedCas: caPem, clientCertificate });
  // The canary wants a certificate as well, and gets none.
  await assert.rejects(client.getBlob(NAME, digest(blob.digest)));
  assert.equal(upstream.asked.length, 1);
  assert.deepEqual(canary.asked, []);
});

Deno.test("a redirect from https to plain http is not followed", async () => {
  const { caPem, server } = makeTlsPair();
  await using upstream = await ScriptedUpstream.start({ tls: server });
  await using canary = await ScriptedUpstream.start();
  upstream.script = ({ path }, response) => redirect(response, `${canary.url}${path}`);
  using client = makeClient({ url: upstream.url, trustedCas: caPem });
  await expectFault(client.getBlob(NAME, digest(blob.digest)), "unsafe", /plain http/);
  assert.deepEqual(canary.asked, []);
});

for (
  const [location, what] of [
    ["file:///etc/passwd", "a file"],
    ["http://user:pw@127.0.0.1/", "a URL with credentials"],
    ["//[", "nothing"],
  ] as const
) {
  Deno.test(`a redirect to ${what} is not followed`, async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.script = (_, response) => redirect(response, location);
    using client = makeClient(upstream);
    await expectFault(client.getBlob(NAME, digest(blob.digest)), "unsafe");
  });
}

Deno.test("redirects in a circle end after max_redirect", async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.script = ({ path }, response) => redirect(response, path, 302);
  using client = makeClient({ url: upstream.url, maxRedirects: 3 });
  await expectFault(client.getBlob(NAME, digest(blob.digest)), "unsafe", /more than 3 times/);
  assert.equal(upstream.asked.length, 4);
});

Deno.test("nobody is led to loopback, to the metadata of the cloud, or into the private network", async () => {
  await using upstream = await ScriptedUpstream.start();
  // 127.0.0.1 is listed, so that the test can run; 127.0.0.2 is not.
  const allowedAddresses = [{ address: "127.0.0.1", prefixLength: 32 }];
  const hosts = {
    "metadata.test": ["169.254.169.254"],
    "inner.test": ["10.0.0.1"],
    "local.test": ["127.0.0.2"],
  };
  for (
    const to of [
      "169.254.169.254",
      "127.0.0.2",
      "10.0.0.1",
      "[::1]",
      "metadata.test",
      "inner.test",
      "local.test",
    ]
  ) {
    upstream.script = (_, response) => redirect(response, `http://${to}:${upstream.port}/latest/meta-data`);
    using client = makeClient({ url: upstream.url, hosts, allowedAddresses });
    await expectFault(client.getBlob(NAME, digest(blob.digest)), "unsafe", /allowed_addresses/);
  }
  assert.equal(upstream.count("GET", /meta-data/), 0);
});

Deno.test("a configured host that moves to loopback is not asked there", async () => {
  await using upstream = await ScriptedUpstream.start();
  using client = makeClient({
    url: `http://upstream.test:${upstream.port}`,
    hosts: { "upstream.test": ["127.0.0.1"] },
    allowedAddresses: [],
  });
  await expectFault(client.getBlob(NAME, digest(blob.digest)), "unsafe");
  assert.deepEqual(upstream.asked, []);
});

Deno.test("a name is connected to at the address that was approved, whatever a second look-up would say", async () => {
  await using servers = await startWithCanary();
  const { upstream } = servers;
  upstream.addBlob(NAME, blob);
  // A name that the system cannot look up: whoever asked it again would fail.
  using client = makeClient({
    url: `http://rebind.invalid:${upstream.port}`,
    hosts: { "rebind.invalid": ["127.0.0.1"] },
  });
  assert.equal(await client.headBlob(NAME, digest(blob.digest)), blob.bytes.length);
  assert.equal(upstream.asked[0]?.headers.host, `rebind.invalid:${upstream.port}`);
});

Deno.test("a listing that goes on at another host is not followed there", async () => {
  await using servers = await startWithCanary();
  const { upstream, canary } = servers;
  upstream.script = (_, response) => {
    const link = `<http://localhost:${canary.port}/v2/x/tags/list>; rel="next"`;
    sendJson(response, 200, { tags: ["a"] }, { link });
    return true;
  };
  using client = makeClient(upstream);
  await expectFault(client.listTags(NAME, 100), "unsafe", /another host/);
  assert.deepEqual(canary.asked, []);
});

Deno.test("a listing without end ends", async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.script = ({ path }, response) => {
    sendJson(response, 200, { tags: ["a"] }, { link: `<${path}>; rel="next"` });
    return true;
  };
  using client = makeClient(upstream);
  assert.deepEqual(await client.listTags(NAME, 100), ["a"]);
});

Deno.test("referrers end before they fill the memory, however large an upstream makes each of them", async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.script = (_, response) => {
    const page = upstream.asked.length;
    const { manifest } = buildImage();
    const descriptor = { ...describeContent(manifest), annotations: { text: "x".repeat(1_000_000) } };
    sendJson(response, 200, { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [descriptor] }, {
      "content-type": OCI_INDEX,
      link: `<?page=${page}>; rel="next"`,
    });
    return true;
  };
  using client = makeClient(upstream);
  const found = await client.listReferrers(NAME, digest(blob.digest), 1000);
  assert.ok(found.length >= 4 && found.length <= 5, `${found.length} came`);
  assert.equal(upstream.asked.length, found.length);
});

Deno.test("manifests that are not what they are called are refused", async () => {
  await using upstream = await ScriptedUpstream.start();
  const { manifest } = buildImage();
  const other = buildImage().manifest;
  upstream.script = (_, response) => {
    response.writeHead(200, { "content-type": manifest.mediaType, "docker-content-digest": other.digest });
    response.end(manifest.bytes);
    return true;
  };
  using client = makeClient(upstream);
  await expectFault(client.getManifest(NAME, byDigest(other.digest)), "broken", /with digest .* as /);
  await expectFault(client.getManifest(NAME, tagged("v1")), "broken", /with digest .* as /);
  await expectFault(client.headManifest(NAME, byDigest(manifest.digest)), "broken");
});

Deno.test("a manifest without end is refused at the limit", async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.script = (_, response) => {
    response.writeHead(200, { "content-type": "application/vnd.oci.image.manifest.v1+json" });
    const write = () => {
      while (!response.destroyed && response.write(new Uint8Array(65_536)));
    };
    response.on("drain", write);
    write();
    return true;
  };
  using client = makeClient({ url: upstream.url, maxManifestSize: 100_000 });
  await expectFault(client.getManifest(NAME, tagged("v1")), "broken", /more than 100000 bytes/);
});

Deno.test(
  "a blob that breaks off, or stands still, is a fault and no end",
  inTries(async () => {
    await using upstream = await ScriptedUpstream.start();
    using client = makeClient({ url: upstream.url, readTimeoutMs: 300 });
    for (const [how, kind] of [["cut", "broken"], ["stall", "timeout"], ["chunked cut", "broken"]] as const) {
      upstream.script = (_, response, request) => {
        response.writeHead(200, how === "chunked cut" ? {} : { "content-length": blob.bytes.length });
        response.write(blob.bytes.subarray(0, 50_000), () => {
          if (how !== "stall") request.socket.destroy();
        });
        return true;
      };
      const found = await client.getBlob(NAME, digest(blob.digest));
      await expectFault(readAll(found!.chunks), kind);
    }
  }),
);

Deno.test("what is read whole and comes drop by drop is given up, and so is what nobody wants", async () => {
  await using upstream = await ScriptedUpstream.start();
  const drips: ServerResponse[] = [];
  const drip = (response: ServerResponse) => {
    drips.push(response);
    let drops = 0;
    const timer = setInterval(() => {
      if (drops++ < 200) response.write(" ");
      else response.end();
    }, 50);
    response.on("close", () => clearInterval(timer));
    return true;
  };
  using client = makeClient({ url: upstream.url, readTimeoutMs: 400 });
  upstream.script = (_, response) => {
    response.writeHead(200, { "content-type": "application/vnd.oci.image.manifest.v1+json" });
    return drip(response);
  };
  await expectFault(client.getManifest(NAME, tagged("v1")), "timeout", /too slowly/);
  await expectFault(client.listTags(NAME, 10), "timeout", /too slowly/);
  upstream.script = (_, response) => {
    response.writeHead(404);
    return drip(response);
  };
  assert.equal(await client.getManifest(NAME, tagged("v1")), undefined);
  assert.deepEqual(drips.map((response) => response.writableEnded), [false, false, false]);
});

Deno.test("a compressed blob, which nobody asked for, is refused", async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.script = ({ headers }, response) => {
    assert.equal(headers["accept-encoding"], "identity");
    response.writeHead(200, { "content-encoding": "gzip" }).end("x");
    return true;
  };
  using client = makeClient(upstream);
  await expectFault(client.getBlob(NAME, digest(blob.digest)), "broken", /not asked for/);
});

Deno.test(
  "an upstream that does not answer costs one request its patience, and the next ones nothing",
  inTries(async () => {
    await using upstream = await ScriptedUpstream.start();
    upstream.script = () => true;
    using client = makeClient({ url: upstream.url, readTimeoutMs: 500 });
    await expectFault(client.headManifest(NAME, tagged("v1")), "timeout", /no answer within 0\.5 s/);
    const started = performance.now();
    for (let i = 0; i < 10; i++) await expectFault(client.headManifest(NAME, tagged("v1")), "unreachable");
    assert.ok(performance.now() - started < 400);
    assert.equal(upstream.asked.length, 1);
  }),
);

Deno.test("an answer that breaks off, or is none, keeps nobody from what the upstream has beside it", async () => {
  await using upstream = await ScriptedUpstream.start();
  const { manifest } = buildImage();
  upstream.addManifest(NAME, manifest, "good");
  upstream.script = ({ path }, response, request) => {
    if (path.endsWith("/cut")) return request.socket.destroy(), true;
    if (!path.endsWith("/huge")) return false;
    response.writeHead(200, { "x-huge": "x".repeat(100_000) }).end();
    return true;
  };
  using client = makeClient(upstream);
  for (const bad of ["cut", "huge", "cut"]) {
    await expectFault(client.getManifest(NAME, tagged(bad)), "broken");
    assert.equal((await client.getManifest(NAME, tagged("good")))?.digest, manifest.digest);
  }
});

Deno.test("429 is obeyed: the upstream is left in peace for as long as it says", async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.script = (_, response) => {
    sendJson(response, 429, {}, { "retry-after": "7" });
    return true;
  };
  using client = makeClient(upstream);
  const fault = await expectFault(client.getManifest(NAME, tagged("v1")), "limited");
  assert.equal(fault.retryAfterMs, 7000);
  await expectFault(client.getManifest(NAME, tagged("v1")), "limited");
  assert.equal(upstream.asked.length, 1);
});

Deno.test("an idle connection that the upstream closed meanwhile is no fault", async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.addManifest(NAME, buildImage().manifest, "v1");
  let answered = 0;
  upstream.script = (_, __, request) => {
    // The second request on a connection finds it closed.
    if (++answered !== 2) return false;
    request.socket.destroy();
    return true;
  };
  using client = makeClient(upstream);
  assert.ok(await client.getManifest(NAME, tagged("v1")));
  assert.ok(await client.getManifest(NAME, tagged("v1")));
});

Deno.test("no message holds a password, a token, or the signature in a URL", async () => {
  await using upstream = await ScriptedUpstream.start();
  upstream.script = ({ path, headers }, response) => {
    if (headers.authorization === undefined && !path.includes("signature")) {
      sendJson(response, 401, {}, { "www-authenticate": "Basic" });
      return true;
    }
    return path.includes("signature")
      ? redirect(response, "http://10.0.0.1/x?signature=topsecret")
      : redirect(response, "/y?signature=topsecret");
  };
  using client = makeClient({ url: upstream.url, ...CREDENTIALS });
  const fault = await expectFault(client.getBlob(NAME, digest(blob.digest)), "unsafe");
  assert.doesNotMatch(
    `${fault.message}${fault.stack}${JSON.stringify(fault.cause ?? null)}`,
    /s3cret|topsecret/,
  );
});
