/** Push of manifests, through the handler. */
import assert from "node:assert/strict";
import { makeModelRegistry } from "../model/model_registry.ts";
import { digestOf } from "../model/bytes.ts";
import {
  assertRefused,
  contentOf,
  makeBlob,
  makeIndex,
  makeManifest,
  pushBlob,
  pushImage,
  putManifest,
} from "./content.ts";
import { makeClient } from "./request_builder.ts";

const OCI = "application/vnd.oci.image.manifest.v1+json";

Deno.test("a push answers where the manifest is, its digest and its subject", async () => {
  const client = makeClient(makeModelRegistry());
  const config = makeBlob();
  await pushBlob(client, "app", config);
  const subject = digestOf("not here");
  const manifest = makeManifest(config, [], { subject: { mediaType: OCI, digest: subject, size: 8 } });
  const answer = await putManifest(client, "app", "latest", manifest);
  assert.equal(answer.status, 201);
  assert.deepEqual(answer.headers, {
    "location": `/v2/app/manifests/${manifest.digest}`,
    "docker-content-digest": manifest.digest,
    "oci-subject": subject,
    "content-length": "0",
    "x-content-type-options": "nosniff",
  });
  assert.deepEqual((await client.send("GET", answer.headers["location"]!)).body, manifest.bytes);
});

Deno.test("a push by digest sets every tag parameter and names them in OCI-Tag", async () => {
  const client = makeClient(makeModelRegistry());
  const { config } = await pushImage(client, "app", "other");
  for (const algorithm of ["sha256", "sha512"] as const) {
    const manifest = makeManifest(config, [], { annotations: { algorithm } }, algorithm);
    const tags = Array.from({ length: 46 }, (_, i) => `${algorithm}-${i}`);
    const query = tags.map((tag) => `tag=${tag}`).join("&");
    const answer = await putManifest(client, "app", `${manifest.digest}?${query}`, manifest);
    assert.equal(answer.status, 201);
    assert.equal(answer.headers["oci-tag"], tags.join(", "));
    for (const tag of tags) {
      const pulled = await client.send("GET", `/v2/app/manifests/${tag}`);
      assert.equal(pulled.headers["docker-content-digest"], manifest.digest);
    }
  }
  assert.equal((await putManifest(client, "app", "x", makeManifest(config))).headers["oci-tag"], undefined);
});

Deno.test("a push with one bad tag parameter moves none of the tags", async () => {
  const client = makeClient(makeModelRegistry());
  const { config } = await pushImage(client, "app", "other");
  const manifest = makeManifest(config);
  const answer = await putManifest(client, "app", `${manifest.digest}?tag=good&tag=.bad`, manifest);
  assertRefused(answer, 400, "TAG_INVALID");
  for (const reference of ["good", manifest.digest]) {
    assert.equal((await client.send("GET", `/v2/app/manifests/${reference}`)).status, 404);
  }
});

Deno.test("allowMissingManifestReferences takes a manifest without its blobs", async () => {
  const client = makeClient(makeModelRegistry({ allowMissingManifestReferences: true }));
  assert.equal(
    (await putManifest(client, "app", "latest", makeManifest(makeBlob(), [makeBlob()]))).status,
    201,
  );
});

Deno.test("an index may name manifests that are not there", async () => {
  const client = makeClient(makeModelRegistry());
  const index = makeIndex([makeManifest(makeBlob()), makeManifest(makeBlob())]);
  assert.equal((await putManifest(client, "app", "index", index)).status, 201);
  assert.deepEqual((await client.send("GET", "/v2/app/manifests/index")).body, index.bytes);
});

Deno.test("non-distributable layers need not be there", async () => {
  const client = makeClient(makeModelRegistry());
  const config = makeBlob();
  await pushBlob(client, "app", config);
  const foreign = [
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  ];
  const layers = foreign.map((mediaType) => ({
    mediaType,
    digest: makeBlob().digest,
    size: 123456,
    urls: ["https://store.example.com/blob"],
  }));
  assert.equal(
    (await putManifest(client, "app", "latest", makeManifest(config, [], { layers }))).status,
    201,
  );
});

Deno.test("parameters of the Content-Type are ignored and not sent back", async () => {
  const client = makeClient(makeModelRegistry());
  const { manifest } = await pushImage(client, "app", "other");
  const answer = await client.send("PUT", "/v2/app/manifests/latest", {
    headers: { "content-type": `${OCI}; charset=utf-8` },
    body: manifest.bytes,
  });
  assert.equal(answer.status, 201);
  assert.equal((await client.send("GET", "/v2/app/manifests/latest")).headers["content-type"], OCI);
});

Deno.test("a manifest of 4 MiB is taken in many pieces", async () => {
  const client = makeClient(makeModelRegistry());
  const { config } = await pushImage(client, "app", "other");
  const annotations = Object.fromEntries(
    Array.from({ length: 390 }, (_, i) => [`large-${i}`, "A".repeat(10000)]),
  );
  const manifest = makeManifest(config, [], { annotations });
  assert.equal((await putManifest(client, "app", "large", manifest)).status, 201);
  assert.deepEqual((await client.send("GET", "/v2/app/manifests/large")).body, manifest.bytes);
});

Deno.test("a push whose bytes have another digest is refused and leaves nothing", async () => {
  const client = makeClient(makeModelRegistry());
  const { config } = await pushImage(client, "app", "other");
  const manifest = makeManifest(config);
  const padded = contentOf(new TextDecoder().decode(manifest.bytes) + "  ");
  const answer = await putManifest(client, "app", `${manifest.digest}?tag=t`, {
    ...manifest,
    bytes: padded.bytes,
  });
  assertRefused(answer, 400, "DIGEST_INVALID");
  for (const reference of ["t", manifest.digest, padded.digest]) {
    assert.equal((await client.send("GET", `/v2/app/manifests/${reference}`)).status, 404);
  }
});

Deno.test("a manifest whose config or layers are missing is refused and the missing ones are named", async () => {
  const client = makeClient(makeModelRegistry());
  const [config, layer, other] = [makeBlob(), makeBlob(), makeBlob()];
  await pushBlob(client, "app", config);
  await pushBlob(client, "elsewhere", layer);
  const answer = await putManifest(client, "app", "latest", makeManifest(config, [layer, other]));
  assertRefused(answer, 404, "MANIFEST_BLOB_UNKNOWN");
  const { message, detail } = answer.json.errors[0];
  assert.deepEqual(detail, [{ digest: layer.digest }, { digest: other.digest }]);
  assert.ok(message.includes(layer.digest) && message.includes("and 1 more"));
  assert.equal((await client.send("GET", "/v2/app/manifests/latest")).status, 404);
  const tags = await client.send("GET", "/v2/app/tags/list");
  assert.deepEqual(tags.json, { name: "app", tags: [] });
});

Deno.test("a manifest that states another size than the blob has is refused", async () => {
  const client = makeClient(makeModelRegistry());
  const config = makeBlob(10);
  await pushBlob(client, "app", config);
  const wrong = makeManifest({ ...config, bytes: new Uint8Array(11) });
  const answer = await putManifest(client, "app", "latest", wrong);
  assertRefused(answer, 400, "MANIFEST_INVALID");
  assert.deepEqual(answer.json.errors[0].detail, { digest: config.digest, stated: 11, actual: 10 });
});

Deno.test("a push without, with two, or with a malformed Content-Type is refused", async () => {
  const client = makeClient(makeModelRegistry());
  const { manifest } = await pushImage(client, "app", "other");
  const put = (headers: Record<string, string | string[]>) =>
    client.send("PUT", "/v2/app/manifests/latest", { headers, body: manifest.bytes });
  assertRefused(await put({}), 400, "UNSUPPORTED");
  assertRefused(await put({ "content-type": [OCI, "application/json"] }), 400, "UNSUPPORTED");
  for (const type of ["", "json", "a/b/c", "text/html, a/b", "a/b\r\nx: y"]) {
    assertRefused(await put({ "content-type": type }), 400, "MANIFEST_INVALID");
  }
});

Deno.test("a manifest that is announced larger than the limit is refused before a byte is read", async () => {
  const client = makeClient(makeModelRegistry({ maxManifestSize: 5000 }));
  const answer = await client.send("PUT", "/v2/app/manifests/latest", {
    headers: { "content-type": OCI },
    body: new Uint8Array(5001),
  });
  assertRefused(answer, 413, "MANIFEST_INVALID");
  assert.equal(answer.taken, 0);
});

Deno.test("a manifest without a length is read no further than the limit", async () => {
  const client = makeClient(makeModelRegistry({ maxManifestSize: 5000 }));
  const answer = await client.send("PUT", "/v2/app/manifests/latest", {
    headers: { "content-type": OCI },
    body: new Uint8Array(1_000_000),
    chunked: true,
  });
  assertRefused(answer, 413, "MANIFEST_INVALID");
  assert.equal(answer.taken, 6000);
});
