/** Manifests made to confuse or to cost, each tried through the handler. */
import assert from "node:assert/strict";
import { cheapest } from "../harness/cheapest.ts";
import { makeModelRegistry } from "../model/model_registry.ts";
import { assertRefused, contentOf, descriptorOf, makeIndex, makeManifest, pushImage } from "./content.ts";
import { makeClient } from "./request_builder.ts";

const OCI = "application/vnd.oci.image.manifest.v1+json";
const INDEX = "application/vnd.oci.image.index.v1+json";

function setUp() {
  const registry = makeModelRegistry();
  return { registry, client: makeClient(registry) };
}

Deno.test("a body that reads as two kinds of manifest is refused (CVE-2021-41190)", async () => {
  const { client } = setUp();
  const { manifest, config, layer } = await pushImage(client, "app", "ok");
  const index = makeIndex([manifest]);
  const text = new TextDecoder().decode(manifest.bytes);
  const put = (contentType: string, body: string | Uint8Array) =>
    client.send("PUT", "/v2/app/manifests/confused", { headers: { "content-type": contentType }, body });
  const manifests = [descriptorOf(manifest, OCI)];
  const layers = [descriptorOf(layer, "application/vnd.oci.image.layer.v1.tar")];
  const bodies: [title: string, contentType: string, body: string | Uint8Array][] = [
    ["type against Content-Type", INDEX, manifest.bytes],
    ["index as manifest", OCI, index.bytes],
    ["manifests beside layers", OCI, makeManifest(config, [layer], { manifests }).bytes],
    ["layers beside manifests", INDEX, makeIndex([manifest], { layers }).bytes],
    ["config beside manifests", INDEX, makeIndex([manifest], { config: descriptorOf(config, "a/b") }).bytes],
    ["a member twice", OCI, text.replace("{", `{"schemaVersion":2,`)],
    ["a member twice by escape", OCI, text.replace("{", `{"\\u0073chemaVersion":2,`)],
    ["a byte order mark", OCI, "\ufeff" + text],
    ["trailing data", OCI, text + "{}"],
    ["a trailing NUL", OCI, text + "\0"],
    ["no JSON", OCI, "blablabla"],
    ["nothing", OCI, ""],
    ["an array", OCI, "[]"],
    ["null", OCI, "null"],
    ["schema 1 by number", OCI, `{"schemaVersion":1}`],
    ["schema 1 by type", "application/vnd.docker.distribution.manifest.v1+prettyjws", text],
    ["an unknown type", "application/json", text],
    ["HTML", "text/html", text],
    ["invalid UTF-8", OCI, new Uint8Array([...manifest.bytes.slice(0, -1), 0xff, 0x7d])],
    ["a media type with a line break", OCI, text.replace("config.v1+json", "config.v1\\r\\nX: y")],
    ["an upper-case digest", OCI, text.replace(config.digest, config.digest.toUpperCase())],
    ["a short digest", OCI, text.replace(config.digest, config.digest.slice(0, -1))],
    ["a negative size", OCI, text.replace(`"size":${config.bytes.length}`, `"size":-1`)],
  ];
  for (const [title, contentType, body] of bodies) {
    const answer = await put(contentType, body);
    assert.equal(answer.status, 400, title);
    assertRefused(answer, 400, "MANIFEST_INVALID");
  }
  assert.equal((await client.send("GET", "/v2/app/manifests/confused")).status, 404);
  assert.deepEqual((await client.send("GET", "/v2/app/tags/list")).json.tags, ["ok"]);
});

Deno.test("bombs of 4 MiB are refused within 200 ms", async () => {
  const { client } = setUp();
  const size = 4 * 1024 * 1024;
  const descriptor = JSON.stringify(descriptorOf(contentOf("x"), "a/b"));
  const bombs = [
    "[".repeat(size),
    `{"a":`.repeat(size / 5),
    `{"schemaVersion":2,"layers":[` + `${descriptor},`.repeat(Math.floor(size / (descriptor.length + 1))),
    `{"schemaVersion":2,"x":"` + "\\u0041".repeat(size / 6),
    "9".repeat(size),
  ];
  for (const body of bombs) {
    const time = await cheapest(async () => {
      const answer = await client.send("PUT", "/v2/app/manifests/bomb", {
        headers: { "content-type": OCI },
        body,
        pieceSize: 65536,
      });
      assertRefused(answer, 400, "MANIFEST_INVALID");
    });
    assert.ok(time < 200, `${time} ms for ${body.slice(0, 20)}`);
  }
});
