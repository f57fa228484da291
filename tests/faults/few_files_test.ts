/** A server that may open few files goes on when more clients come than it has descriptors for. */
import assert from "node:assert/strict";
import { until } from "../harness/until.ts";
import { randomBytes } from "../model/bytes.ts";
import { makeContent } from "../harness/build_images.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { startRegistry } from "../harness/start_registry.ts";
import { cpuSecondsOf, openFilesOf } from "./process_files.ts";

const FILES = 256;
const CONNECTIONS = 400;

Deno.test(`${CONNECTIONS} connections to a server with ${FILES} descriptors: it says so, does not spin, and accepts again as soon as they are gone`, async () => {
  await using registry = await startRegistry({
    tls: false,
    startedBy: ["sh", "-c", `ulimit -n ${FILES} && exec "$@"`, "sh"],
  });
  const { process, port } = registry;
  const before = openFilesOf(process.pid);
  const kept = makeContent("application/octet-stream", randomBytes(100_000));
  using api = new RegistryApi(registry);
  await api.pushBlob("few", kept);

  const connections = await Promise.all(
    Array.from({ length: CONNECTIONS }, () => Deno.connect({ hostname: "127.0.0.1", port })),
  );
  await process.waitForLine(
    "a line about descriptors",
    (line) => line.includes("no file descriptor is free") || undefined,
  );
  const cpu = cpuSecondsOf(process.pid);
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const busy = cpuSecondsOf(process.pid) - cpu;
  assert.ok(busy < 0.7, `${busy} s of CPU within 2 s in which nothing can be done`);

  for (const connection of connections) connection.close();
  const freed = performance.now();
  await process.waitForLine("the listeners", (line) => line.includes("are opened anew") || undefined);
  // Each connection meets one of the threads by chance.
  for (let answered = 0; answered < 8;) {
    answered = await answers(registry.url) ? answered + 1 : 0;
    const waited = performance.now() - freed;
    assert.ok(waited < 20_000, `not all threads answer ${waited} ms after descriptors are free`);
  }
  const late = makeContent("application/octet-stream", randomBytes(100_000));
  using other = new RegistryApi(registry);
  await other.pushBlob("few", late);
  for (const { digest, bytes } of [kept, late]) {
    const response = await other.expect(200, "GET", `/v2/few/blobs/${digest}`);
    assert.deepEqual(await response.bytes(), bytes);
  }
  const open = () => openFilesOf(process.pid);
  await until(() => open() <= before + 40, () => `${open()} files are open, ${before} before`);
});

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/healthz`, {
      signal: AbortSignal.timeout(1000),
      headers: { connection: "close" },
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
