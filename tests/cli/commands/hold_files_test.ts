/** The files that a running server keeps while a command reads them. */
import assert from "node:assert/strict";
import { holdFiles } from "../../../src/cli/commands/hold_files.ts";
import { makeContent, randomBytes } from "../../harness/build_images.ts";
import { RegistryApi } from "../../harness/registry_api.ts";
import { startRegistry } from "../../harness/start_registry.ts";

Deno.test("a blob that is deleted meanwhile keeps its file until nobody holds it", async () => {
  await using registry = await startRegistry({ tls: false, server: "threads = 1" });
  using api = new RegistryApi(registry);
  const blob = makeContent("application/octet-stream", randomBytes(20_000));
  await api.pushBlob("app", blob);
  const folder = `${registry.rootDir}/blobs/sha256/${blob.digest.slice(7, 9)}`;
  const [file] = [...Deno.readDirSync(folder)];
  const watcher = Deno.watchFs(folder);
  const removed = (async () => {
    for await (const { kind } of watcher) if (kind === "remove") return;
  })();
  {
    await using hold = await holdFiles(`${registry.rootDir}/control.sock`);
    assert.ok(hold);
    await api.expect(202, "DELETE", `/v2/app/blobs/${blob.digest}`);
    await api.expect(404, "HEAD", `/v2/app/blobs/${blob.digest}`);
    assert.ok(Deno.statSync(`${folder}/${file!.name}`).isFile);
  }
  await removed;
  watcher.close();
  assert.deepEqual([...Deno.readDirSync(folder)], []);
});

Deno.test("a hold says when the server has ended, and that there is none", async () => {
  const registry = await startRegistry({ tls: false, server: "threads = 1" });
  const socket = `${registry.rootDir}/control.sock`;
  try {
    await using hold = await holdFiles(socket);
    assert.ok(hold);
    const lost = new Promise<void>((resolve) => hold.lost.addEventListener("abort", () => resolve()));
    await registry.stop();
    await lost;
    assert.match((hold.lost.reason as Error).message, /the server has ended/);
    assert.equal(await holdFiles(socket), undefined);
  } finally {
    await registry[Symbol.asyncDispose]();
  }
});
