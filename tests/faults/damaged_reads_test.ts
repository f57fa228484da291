/** Damaged content is never handed out as good, and a push heals it. */
import assert from "node:assert/strict";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";
import { buildImage, makeContent, randomBytes } from "../harness/build_images.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { startRegistry } from "../harness/start_registry.ts";
import { blobPath, flipBit, flipManifestBit, flipSmallBlobBit } from "./damage.ts";

const BLOB = "application/octet-stream";

Deno.test("with verify_on_read no GET of a damaged blob ends as if it were whole", async () => {
  await using registry = await startRegistry({ config: "verify_on_read = true\nsmall_blob_limit = 0" });
  using api = new RegistryApi(registry);
  // Answered from memory, read as one chunk, and as several.
  for (const size of [1000, 100_000, 3_000_000]) {
    const blob = makeContent(BLOB, randomBytes(size));
    await api.pushBlob("app", blob);
    const url = `/v2/app/blobs/${blob.digest}`;
    for (const at of [0, size >> 1, size - 1]) {
      flipBit(blobPath(registry.rootDir, blob.digest), at);
      const get = async () => await (await api.expect(200, "GET", url)).bytes();
      await assert.rejects(
        get,
        size === 1000 ? /404.*BLOB_UNKNOWN/ : TypeError,
        `bit ${at} of ${size} bytes was handed out`,
      );
      flipBit(blobPath(registry.rootDir, blob.digest), at);
    }
    const whole = await api.expect(200, "GET", url);
    assertSameBytes(await whole.bytes(), blob.bytes);
  }
  await registry.process.waitForLine("a line that names the damage", (line) => {
    return /damaged.*scrub --repair/.test(line) || undefined;
  });
});

Deno.test("a small blob that was damaged in the database is answered 404 until it is pushed again", async () => {
  await using registry = await startRegistry({ tls: false });
  using api = new RegistryApi(registry);
  const blob = makeContent(BLOB, randomBytes(1000));
  await api.pushBlob("app", blob);
  const url = `/v2/app/blobs/${blob.digest}`;
  flipSmallBlobBit(registry.rootDir, blob.digest, 500);
  // Several times, by whichever thread.
  for (let i = 0; i < 8; i++) assert.equal((await api.request("GET", url)).status, 404);
  await api.pushBlob("app", blob);
  assertSameBytes(await (await api.expect(200, "GET", url)).bytes(), blob.bytes);
});

Deno.test("with verify_on_read parts of a damaged blob are sent as they are, the range of all of it is not", async () => {
  await using registry = await startRegistry({ config: "verify_on_read = true\nsmall_blob_limit = 0" });
  using api = new RegistryApi(registry);
  const blob = makeContent(BLOB, randomBytes(200_000));
  await api.pushBlob("app", blob);
  flipBit(blobPath(registry.rootDir, blob.digest), 150_000);
  const ask = (range: string) =>
    api.expect(206, "GET", `/v2/app/blobs/${blob.digest}`, { headers: { range } });
  assertSameBytes(await (await ask("bytes=0-99999")).bytes(), blob.bytes.slice(0, 100_000));
  await assert.rejects(async () => await (await ask("bytes=0-199999")).bytes(), TypeError);
});

Deno.test("a damaged manifest is not handed out, by tag or digest, and a push of it heals it for every repository", async () => {
  await using registry = await startRegistry();
  using api = new RegistryApi(registry);
  const image = buildImage();
  const { digest, bytes, mediaType } = image.manifest;
  for (const repository of ["a", "b"]) await api.pushImage(repository, image, "v1");
  // No thread has read it yet, so none remembers the good bytes.
  flipManifestBit(registry.rootDir, digest, 20);
  for (const path of ["/v2/a/manifests/v1", `/v2/a/manifests/${digest}`, "/v2/b/manifests/v1"]) {
    for (const method of ["HEAD", "GET"]) {
      const answer = await api.expect(404, method, path, { headers: { accept: mediaType } });
      await answer.body?.cancel();
    }
  }
  await registry.process.waitForLine("a line that names the damage", (line) => {
    return line.includes("bytes of a manifest are damaged") && line.includes(digest) || undefined;
  });
  await api.pushManifest("b", image.manifest, "v1");
  for (const path of ["/v2/a/manifests/v1", "/v2/b/manifests/v1"]) {
    const answer = await api.expect(200, "GET", path, { headers: { accept: mediaType } });
    assertSameBytes(await answer.bytes(), bytes);
  }
});

for (const damage of ["removed", "cut short"] as const) {
  Deno.test(`a blob whose file was ${damage} is in no answer there, and one push heals it for all who hold it`, async () => {
    await using registry = await startRegistry();
    using api = new RegistryApi(registry);
    const blob = makeContent(BLOB, randomBytes(100_000));
    await api.pushBlob("a", blob);
    const mount = (into: string, query = "") =>
      api.request("POST", `/v2/${into}/blobs/uploads/?mount=${blob.digest}${query}`);
    assert.equal((await mount("b", "&from=a")).status, 201);
    const path = blobPath(registry.rootDir, blob.digest);
    if (damage === "removed") await Deno.remove(path);
    else await Deno.truncate(path, 99_999);

    for (const repository of ["a", "b"]) {
      for (const method of ["HEAD", "GET"]) {
        const answer = await api.expect(404, method, `/v2/${repository}/blobs/${blob.digest}`);
        await answer.body?.cancel();
      }
    }
    // Whoever mounts is asked to upload: from a named source, from any, from itself, and what it holds already.
    for (
      const [into, query] of [["c", "&from=a"], ["c", ""], ["a", "&from=a"], ["b", "&from=a"], ["b", ""]]
    ) {
      const answer = await mount(into!, query);
      assert.equal(answer.status, 202, `mount into ${into} ${query}`);
      await answer.body?.cancel();
    }
    // Without a body a POST with a digest opens a session and promises nothing.
    const opened = await api.expect(202, "POST", `/v2/a/blobs/uploads/?digest=${blob.digest}`);
    await opened.body?.cancel();

    const whole = await api.expect(201, "POST", `/v2/b/blobs/uploads/?digest=${blob.digest}`, {
      body: new Uint8Array(blob.bytes),
      headers: { "content-type": BLOB },
    });
    await whole.body?.cancel();
    for (const repository of ["a", "b"]) {
      const head = await api.expect(200, "HEAD", `/v2/${repository}/blobs/${blob.digest}`);
      assert.equal(head.headers.get("content-length"), "100000");
      const answer = await api.expect(200, "GET", `/v2/${repository}/blobs/${blob.digest}`);
      assertSameBytes(await answer.bytes(), blob.bytes);
    }
    assert.equal((await mount("c", "&from=a")).status, 201);
  });
}
