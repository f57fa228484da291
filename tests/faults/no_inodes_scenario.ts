/** Run by no_inodes_test.ts on a file system with few inodes: uses them up under a server, and says "ok". */
import assert from "node:assert/strict";
import { type Content, makeContent, randomBytes } from "../harness/build_images.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { startRegistry } from "../harness/start_registry.ts";

const BLOB = "application/octet-stream";

/** Bytes of a blob that has a file. */
const LARGE = 20_000;

await using registry = await startRegistry({
  tls: false,
  rootDir: `${Deno.args[0]!}/data`,
  config: 'minimum_free_space = "1MiB"',
});
using api = new RegistryApi(registry);

const pushed: Content[] = [];
let refusal: Response | undefined;
while (refusal === undefined) {
  const blob = makeContent(BLOB, randomBytes(LARGE));
  const response = await push(blob);
  if (response.status === 201) pushed.push(blob);
  else refusal = response;
  assert.ok(pushed.length < 600, "the inodes are never used up");
}
assert.equal(refusal.status, 507);
const { errors: [error] } = await refusal.json();
assert.deepEqual([error.code, /no room/.test(error.message)], ["INSUFFICIENT_STORAGE", true]);
const session = await api.openUpload("full");
assert.equal((await api.request("PATCH", session, { body: new Uint8Array(LARGE) })).status, 507);
assert.equal((await push(makeContent(BLOB, randomBytes(1000)))).status, 201, "small blobs need no inode");

for (const { digest, bytes } of pushed) {
  const response = await api.expect(200, "GET", `/v2/full/blobs/${digest}`);
  assert.deepEqual(await response.bytes(), bytes);
}
await (await api.expect(202, "DELETE", `/v2/full/blobs/${pushed[0]!.digest}`)).body?.cancel();
const late = makeContent(BLOB, randomBytes(LARGE));
const response = await push(late);
assert.equal(response.status, 201, await response.text());
assert.deepEqual([...Deno.readDirSync(`${registry.rootDir}/uploads`)], []);
console.log("ok");

async function push({ digest, bytes }: Content): Promise<Response> {
  return await api.request("POST", `/v2/full/blobs/uploads/?digest=${digest}`, {
    body: new Uint8Array(bytes),
    headers: { "content-type": BLOB },
  });
}
