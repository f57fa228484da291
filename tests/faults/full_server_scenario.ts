/** Run by full_server_test.ts on a small file system of its own: fills it under a server, frees it, and says "ok". */
import assert from "node:assert/strict";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";
import { type Content, makeContent, randomBytes } from "../harness/build_images.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { startRegistry } from "../harness/start_registry.ts";
import { until } from "../harness/until.ts";

const MiB = 1024 * 1024;
const BLOB = "application/octet-stream";
const INDEX = "application/vnd.oci.image.index.v1+json";

const dir = Deno.args[0]!;
await using registry = await startRegistry({
  tls: false,
  rootDir: `${dir}/data`,
  config: 'minimum_free_space = "1MiB"',
});
using api = new RegistryApi(registry);

const kept = makeContent(BLOB, randomBytes(1_000_000));
const given = makeContent(BLOB, randomBytes(1_000_000));
const others = Array.from({ length: 3 }, () => makeContent(BLOB, randomBytes(1000)));
for (const blob of [kept, given, ...others]) await api.pushBlob("full", blob);
const session = await api.openUpload("full");

// Somebody else takes all the room that there is.
fill(`${dir}/fill`);
const manifest = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [] });
await refused("PATCH", session, {
  body: new Uint8Array(randomBytes(5_000_000)),
  headers: { "content-type": BLOB },
});
await refused("POST", "/v2/full/blobs/uploads/");
const late = makeContent(BLOB, randomBytes(300_000));
await refused("POST", `/v2/full/blobs/uploads/?digest=${late.digest}`, {
  body: new Uint8Array(late.bytes),
  headers: { "content-type": BLOB },
});
await refused("PUT", "/v2/full/manifests/late", { body: manifest, headers: { "content-type": INDEX } });
assert.equal(await statusOf("GET", "/readyz"), 503);
assert.equal(await statusOf("GET", "/healthz"), 200);
await assertKept();

// The ballast gives way to the delete; nothing of what was refused can be seen.
assert.equal(await statusOf("DELETE", `/v2/full/blobs/${given.digest}`), 202);
assert.equal(await statusOf("GET", `/v2/full/blobs/${given.digest}`), 404);
assert.equal(await statusOf("HEAD", `/v2/full/blobs/${late.digest}`), 404);
assert.equal(await statusOf("GET", "/v2/full/manifests/late"), 404);

// Somebody else takes the room of the ballast as well: deletes find some in the log of the database.
for (const [n, { digest }] of others.entries()) {
  fill(`${dir}/fill-${n}`);
  assert.equal(await statusOf("DELETE", `/v2/full/blobs/${digest}`), 202);
  assert.equal(await statusOf("HEAD", `/v2/full/blobs/${digest}`), 404);
}
await refused("POST", "/v2/full/blobs/uploads/");
await assertKept();

// Room for the ballast and the minimum, and not much more: the same server takes what it refused.
for (const n of others.keys()) await Deno.remove(`${dir}/fill-${n}`);
await Deno.truncate(`${dir}/fill`, (await Deno.stat(`${dir}/fill`)).size - 10 * MiB);
await until(async () => await statusOf("GET", "/readyz") === 200);
await api.pushBlob("full", late);
await assertKept();
assert.equal(await statusOf("DELETE", session), 204);
assert.deepEqual([...Deno.readDirSync(`${dir}/data/uploads`)], []);
console.log("ok");

/** 507 with the code and a sentence, within a second and what a busy machine adds. */
async function refused(method: string, path: string, init: RequestInit = {}): Promise<void> {
  const started = performance.now();
  const response = await api.request(method, path, init);
  const { errors } = await response.json();
  assert.equal(response.status, 507, `${method} ${path}`);
  assert.equal(errors[0].code, "INSUFFICIENT_STORAGE");
  assert.match(errors[0].message, /no room/);
  assert.ok(performance.now() - started < 5000, `${method} ${path} was refused after seconds`);
}

async function assertKept(content: Content = kept): Promise<void> {
  const response = await api.expect(200, "GET", `/v2/full/blobs/${content.digest}`);
  assertSameBytes(await response.bytes(), content.bytes);
}

async function statusOf(method: string, path: string): Promise<number> {
  const response = await api.request(method, path);
  await response.body?.cancel();
  return response.status;
}

function fill(path: string): void {
  using file = Deno.openSync(path, { write: true, create: true });
  for (let block = new Uint8Array(1 << 20); block.length >= 1;) {
    try {
      if (file.writeSync(block) === 0) return;
    } catch {
      block = block.subarray(0, block.length >> 1);
    }
  }
}
