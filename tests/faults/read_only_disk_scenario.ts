/** Run by `make soak` on an ext4 of its own: has the kernel find a fault in it under a server, and says "ok". */
import assert from "node:assert/strict";
import { makeContent, randomBytes } from "../harness/build_images.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { startRegistry } from "../harness/start_registry.ts";
import { until } from "../harness/until.ts";

const BLOB = "application/octet-stream";
const disk = Deno.args[0]!;
await using registry = await startRegistry({
  tls: false,
  server: "threads = 1",
  rootDir: `${disk}/data`,
  config: 'minimum_free_space = "1MiB"',
});
using api = new RegistryApi(registry);
const kept = makeContent(BLOB, randomBytes(1_000_000));
await api.pushBlob("app", kept);

const { stdout } = await new Deno.Command("findmnt", { args: ["-no", "SOURCE", disk] }).output();
const device = new TextDecoder().decode(stdout).trim().replace("/dev/", "");
await Deno.writeTextFile(`/sys/fs/ext4/${device}/trigger_fs_error`, "1");

const late = makeContent(BLOB, randomBytes(1000));
for (
  const [method, path] of [
    ["POST", `/v2/app/blobs/uploads/?digest=${late.digest}`],
    ["POST", "/v2/app/blobs/uploads/"],
    ["DELETE", `/v2/app/blobs/${kept.digest}`],
  ] as const
) {
  const response = await api.request(method, path, {
    ...(path.includes("digest=") && {
      body: new Uint8Array(late.bytes),
      headers: { "content-type": BLOB },
    }),
  });
  assert.equal(response.status, 503, `${method} ${path}`);
  assert.equal((await response.json()).errors[0].code, "STORAGE_UNAVAILABLE");
}
await until(async () => {
  const response = await api.request("GET", "/readyz");
  await response.body?.cancel();
  return response.status === 503;
});
const response = await api.expect(200, "GET", `/v2/app/blobs/${kept.digest}`);
assert.deepEqual(await response.bytes(), kept.bytes);
console.log("ok");
