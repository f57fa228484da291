/** Lets many clients push the same blob at the same time. */
import assert from "node:assert/strict";
import { createHash, randomFillSync } from "node:crypto";
import { RegistryApi } from "../harness/registry_api.ts";
import { startRegistry } from "../harness/start_registry.ts";
import { Layout } from "../../src/storage/files/layout.ts";
import { until } from "../harness/until.ts";

const PIECE = 4 * 1024 * 1024;

/** @throws {AssertionError} unless all are told 201 and one file is left, whose bytes hash right */
export async function checkSameBlob(clients: number, size: number): Promise<string> {
  await using registry = await startRegistry({ tls: false });
  const bytes = randomFillSync(new Uint8Array(size));
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  using api = new RegistryApi(registry);
  const push = async (client: number): Promise<void> => {
    // In different repositories as well as in the same one.
    const location = await api.openUpload(`app/${client % 4}`);
    const url = new URL(location, registry.url);
    url.searchParams.set("digest", digest);
    const answer = await api.expect(201, "PUT", url.href, { body: streamOf(bytes) });
    await answer.body?.cancel();
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: clients }, (_, client) => push(client)));
  const seconds = (performance.now() - started) / 1000;
  const layout = new Layout(registry.rootDir);
  // Files that lost the race go after the answer.
  await until(() => listFiles(layout).length === 1, () => `${listFiles(layout)}`);
  const [file] = listFiles(layout);
  const hash = createHash("sha256").update(await Deno.readFile(file!)).digest("hex");
  assert.equal(`sha256:${hash}`, digest);
  assert.deepEqual([...Deno.readDirSync(layout.uploads)].map(({ name }) => name), []);
  for (let client = 0; client < Math.min(clients, 4); client++) {
    const answer = await api.expect(200, "GET", `/v2/app/${client}/blobs/${digest}`);
    const got = createHash("sha256").update(new Uint8Array(await answer.arrayBuffer())).digest("hex");
    assert.equal(`sha256:${got}`, digest);
  }
  return `${clients} clients pushed the same ${Math.round(size / 1e6)} MB in ${
    seconds.toFixed(1)
  } s: one file is left`;
}

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(at, at += PIECE));
    },
  });
}

function listFiles(layout: Layout): string[] {
  return [...layout.blobFolders()].flatMap((folder) =>
    [...Deno.readDirSync(folder)].map(({ name }) => `${folder}/${name}`)
  );
}
