/** Without the thread that writes, the program ends, so that a service manager starts it anew. */
import assert from "node:assert/strict";
import { randomBytes } from "../model/bytes.ts";
import { makeContent, makeJsonContent } from "../harness/build_images.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { startRegistry } from "../harness/start_registry.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";

Deno.test("a writer thread that dies ends the program with exit code 1 and a line that says so, and a new start has all", async () => {
  const rootDir = await Deno.makeTempDir();
  try {
    const kept = makeContent("application/octet-stream", randomBytes(100_000));
    {
      await using registry = await startRegistry({
        rootDir,
        tls: false,
        main: new URL("./dying_server.ts", import.meta.url),
        env: { DIE_AT: "answer putManifest", VICTIM: "thread" },
      });
      using api = new RegistryApi(registry);
      await api.pushBlob("app", kept);
      registry.process.kill("SIGUSR2");
      const index = makeJsonContent(INDEX, { schemaVersion: 2, mediaType: INDEX, manifests: [] });
      const ended = registry.process.ended();
      while (!registry.logLines.some((line) => line.includes("dies at"))) {
        // An answer that does not come any more breaks the connection.
        await api.pushManifest("app", index, "latest").catch(() => {});
      }
      const { code, signal } = await ended;
      assert.deepEqual([code, signal], [1, null]);
      const fatal = registry.logLines.find((line) => line.includes('"cannot go on"'));
      assert.match(fatal ?? "", /the writer thread ended: .*ended by a test/);
    }
    await using registry = await startRegistry({ rootDir, tls: false });
    using api = new RegistryApi(registry);
    await (await api.expect(200, "HEAD", `/v2/app/blobs/${kept.digest}`)).body?.cancel();
    assert.ok(await api.findDigest("app", "latest") !== undefined);
  } finally {
    await Deno.remove(rootDir, { recursive: true });
  }
});
