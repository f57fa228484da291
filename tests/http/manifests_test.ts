/** Pull and delete of manifests, through the handler. */
import assert from "node:assert/strict";
import { makeModelRegistry } from "../model/model_registry.ts";
import { digestOf } from "../model/bytes.ts";
import { assertRefused, pushImage, putManifest } from "./content.ts";
import { makeClient } from "./request_builder.ts";

const OCI = "application/vnd.oci.image.manifest.v1+json";

Deno.test("a manifest comes back byte for byte by tag and by digest, with its type and digest", async () => {
  const client = makeClient(makeModelRegistry());
  const { manifest } = await pushImage(client, "app", "latest");
  for (
    const [reference, caching] of [
      ["latest", "no-cache"],
      [manifest.digest, "private, max-age=31536000, immutable"],
    ]
  ) {
    const get = await client.send("GET", `/v2/app/manifests/${reference}`);
    assert.equal(get.status, 200);
    assert.deepEqual(get.body, manifest.bytes);
    assert.deepEqual(get.headers, {
      "docker-content-digest": manifest.digest,
      "etag": `"${manifest.digest}"`,
      "cache-control": caching,
      "content-type": OCI,
      "content-length": String(manifest.bytes.length),
      "x-content-type-options": "nosniff",
    });
    const head = await client.send("HEAD", `/v2/app/manifests/${reference}`);
    assert.deepEqual([head.status, head.headers, head.body.length], [200, get.headers, 0]);
  }
});

Deno.test("a manifest is sent in the type it was pushed in, whatever Accept says", async () => {
  const client = makeClient(makeModelRegistry());
  await pushImage(client, "app", "latest");
  for (const accept of ["application/vnd.docker.distribution.manifest.v2+json", "text/html", "*/*"]) {
    const answer = await client.send("GET", "/v2/app/manifests/latest", { headers: { accept } });
    assert.deepEqual([answer.status, answer.headers["content-type"]], [200, OCI]);
  }
});

Deno.test("If-None-Match of a manifest is answered with 304, by tag until the tag moves", async () => {
  const client = makeClient(makeModelRegistry());
  const { manifest } = await pushImage(client, "app", "latest");
  const headers = { "if-none-match": `"${manifest.digest}"` };
  for (const method of ["GET", "HEAD"]) {
    const answer = await client.send(method, "/v2/app/manifests/latest", { headers });
    assert.deepEqual([answer.status, answer.body.length], [304, 0]);
    assert.equal(answer.headers["docker-content-digest"], manifest.digest);
  }
  await pushImage(client, "app", "latest");
  assert.equal((await client.send("GET", "/v2/app/manifests/latest", { headers })).status, 200);
});

Deno.test("an unknown tag, digest or repository answers MANIFEST_UNKNOWN", async () => {
  const client = makeClient(makeModelRegistry());
  await pushImage(client, "app", "latest");
  for (const path of ["app/manifests/none", `app/manifests/${digestOf("none")}`, "none/manifests/latest"]) {
    for (const method of ["GET", "DELETE"]) {
      assertRefused(await client.send(method, `/v2/${path}`), 404, "MANIFEST_UNKNOWN");
    }
  }
});

Deno.test("DELETE of a tag leaves the manifest and its other tags", async () => {
  const client = makeClient(makeModelRegistry());
  const { manifest } = await pushImage(client, "app", "one");
  await putManifest(client, "app", "two", manifest);
  const answer = await client.send("DELETE", "/v2/app/manifests/one");
  assert.deepEqual([answer.status, answer.headers["content-length"]], [202, "0"]);
  assert.equal((await client.send("GET", "/v2/app/manifests/one")).status, 404);
  for (const reference of ["two", manifest.digest]) {
    assert.equal((await client.send("GET", `/v2/app/manifests/${reference}`)).status, 200);
  }
});

Deno.test("DELETE of a manifest takes every tag that names it", async () => {
  const client = makeClient(makeModelRegistry());
  const { manifest } = await pushImage(client, "app", "one");
  await putManifest(client, "app", "two", manifest);
  await pushImage(client, "app", "three");
  assert.equal((await client.send("DELETE", `/v2/app/manifests/${manifest.digest}`)).status, 202);
  for (const reference of ["one", "two", manifest.digest]) {
    assert.equal((await client.send("HEAD", `/v2/app/manifests/${reference}`)).status, 404);
  }
  assert.deepEqual((await client.send("GET", "/v2/app/tags/list")).json.tags, ["three"]);
});
