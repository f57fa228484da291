/** What a command reads beside the server stays as it was, whatever is deleted meanwhile. */
import assert from "node:assert/strict";
import { openContent } from "../../../src/cli/commands/open_content.ts";
import { BUILT_IN } from "../../../src/config/load_config.ts";
import type { Digest } from "../../../src/core/digest.ts";
import { JsonLog } from "../../../src/server/json_log.ts";
import { makeContent, randomBytes } from "../../harness/build_images.ts";
import { RegistryApi } from "../../harness/registry_api.ts";
import { startRegistry } from "../../harness/start_registry.ts";
import { readAll, repo } from "../../storage/temp_storage.ts";

Deno.test("blobs that are deleted while a command reads are there for it: small ones until it has read the rows", async () => {
  await using registry = await startRegistry({ tls: false, server: "threads = 1" });
  using api = new RegistryApi(registry);
  const contents = [100, 20_000].map((size) => makeContent("application/octet-stream", randomBytes(size)));
  for (const content of contents) await api.pushBlob("app", content);
  const settings = { ...BUILT_IN, blobStore: { ...BUILT_IN.blobStore, rootDir: registry.rootDir } };
  await using opened = await openContent(settings, new JsonLog(() => {}, "error"));
  const held = await Promise.all(contents.map(async ({ digest }) => {
    return await opened.metadata.findBlob(repo("app"), digest as Digest) ?? assert.fail(digest);
  }));
  for (const { digest } of contents) await api.expect(202, "DELETE", `/v2/app/blobs/${digest}`);
  const read = async (i: number): Promise<Uint8Array> => {
    const { file, size } = held[i]!;
    const reader = await opened.blobs.open(file, size) ?? assert.fail("gone");
    return await readAll(reader.read(0, size));
  };
  for (const i of [0, 1]) assert.deepEqual(await read(i), contents[i]!.bytes);
  opened.endOfReading();
  assert.deepEqual(await read(1), contents[1]!.bytes, "a file stays");
});
