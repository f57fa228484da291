/** What was acknowledged outlives a restart of the registry, and a kill of it. */

import assert from "node:assert/strict";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";
import { buildImage, makeContent, randomBytes } from "../harness/build_images.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { startRegistry } from "../harness/start_registry.ts";
import { Layout } from "../../src/storage/files/layout.ts";
import { openForReading } from "../../src/storage/sqlite/open_database.ts";

const BLOB = "application/octet-stream";

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  Deno.test(`an image and a half upload outlive a ${signal} of the registry`, async () => {
    const rootDir = await Deno.makeTempDir({ prefix: "root-" });
    try {
      await pushEndAndResume(rootDir, signal);
    } finally {
      await Deno.remove(rootDir, { recursive: true });
    }
  });
}

async function pushEndAndResume(rootDir: string, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  const image = buildImage();
  const upload = makeContent(BLOB, randomBytes(400_000));
  let location: string;
  {
    await using registry = await startRegistry({ rootDir });
    using api = new RegistryApi(registry);
    await api.pushImage("restart/image", image, "v1");
    const patched = await api.expect(202, "PATCH", await api.openUpload("restart/upload"), {
      body: upload.bytes.slice(0, 150_000),
      headers: { "content-type": BLOB },
    });
    await patched.body?.cancel();
    location = patched.headers.get("location") ?? assert.fail("PATCH answered without a Location");
    const status = await registry.kill(signal);
    if (signal === "SIGTERM") assert.equal(status.code, 0);
  }
  await using registry = await startRegistry({ rootDir });
  using api = new RegistryApi(registry);
  assert.equal(await api.findDigest("restart/image", "v1"), image.manifest.digest);
  for (const { digest, bytes } of [...image.layers, image.config]) {
    const blob = await api.expect(200, "GET", `/v2/restart/image/blobs/${digest}`);
    assertSameBytes(await blob.bytes(), bytes);
  }
  // The port is another one after the restart, the path of the session is the same.
  const { pathname, search } = new URL(location, registry.url);
  const asked = await api.expect(204, "GET", pathname + search);
  assert.equal(asked.headers.get("range"), "0-149999");
  const rest = await api.expect(202, "PATCH", pathname + search, {
    body: upload.bytes.slice(150_000),
    headers: { "content-type": BLOB, "content-range": "150000-399999" },
  });
  await rest.body?.cancel();
  const end = new URL(rest.headers.get("location") ?? location, registry.url);
  end.searchParams.set("digest", upload.digest);
  const finished = await api.expect(201, "PUT", end.pathname + end.search);
  await finished.body?.cancel();
}

Deno.test("the registry ends with exit code 0 on SIGTERM", async () => {
  await using registry = await startRegistry();
  await registry.stop();
});

Deno.test("a registry that never lives for as long as the grace of its collection still lets garbage go", async () => {
  const rootDir = await Deno.makeTempDir({ prefix: "root-" });
  const blob = makeContent(BLOB, randomBytes(1000));
  const layout = new Layout(rootDir);
  const isThere = () => {
    const database = openForReading(layout.database);
    const row = database.prepare("SELECT 1 FROM blob WHERE digest = ?").get(blob.digest);
    database.close();
    return row !== undefined;
  };
  try {
    for (let life = 0; life === 0 || isThere(); life++) {
      assert.ok(life < 10, "the blob is still there after 15 s");
      await using registry = await startRegistry({
        rootDir,
        tls: false,
        config: '[collect]\ninterval = "100ms"\ngrace = "4s"\n',
      });
      if (life === 0) {
        using api = new RegistryApi(registry);
        const path = `/v2/app/blobs/uploads/?digest=${blob.digest}`;
        await (await api.expect(201, "POST", path, { body: blob.bytes as BodyInit })).body?.cancel();
      }
      await new Promise((resolve) => setTimeout(resolve, 1500));
      assert.ok(life > 0 || isThere(), "it is young");
      await registry.kill("SIGKILL");
    }
  } finally {
    await Deno.remove(rootDir, { recursive: true });
  }
});
