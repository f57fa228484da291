/** Reloads a registry again and again, by signal and by changed files, while clients work: none of them may notice. */
import assert from "node:assert/strict";
import { createHash, randomFillSync } from "node:crypto";
import { dirname } from "node:path";
import { Verdicts } from "../cli/reload/reload_verdicts.ts";
import { writeServerCertificate } from "../harness/certificates.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { RawClient } from "../server/raw_client.ts";

const CONFIG = "[global.access_policy]\ndefault_allow = true\n";
const PAIR = ["server.crt", "server.key"];
const GET = "GET /v2/_catalog HTTP/1.1\r\nHost: localhost\r\n\r\n";

/** One reload of so many is by a change of the files, which takes longer. */
const BY_CHANGE = 5;

interface Load {
  readonly registry: RunningRegistry;
  /** PEM of all authorities that the server's certificates come from. */
  readonly caPem: string;
  running: boolean;
}

/** @throws {AssertionError} when a request fails, or a reload */
export async function checkReload(reloads: number): Promise<string> {
  await using registry = await startRegistry({ config: CONFIG });
  const folder = dirname(registry.caFile);
  // Two certificates that take turns, each of an authority of its own.
  const pairs = [`${folder}/even`, `${folder}/odd`];
  const authorities: string[] = [registry.caPem];
  for (const pair of pairs) {
    await Deno.mkdir(pair);
    authorities.push((await writeServerCertificate(pair)).caPem);
  }
  const load: Load = { registry, caPem: authorities.join(""), running: true };
  const clients = [
    ...Array.from({ length: 4 }, () => keepAsking(load)),
    ...Array.from({ length: 2 }, () => keepConnecting(load)),
    ...Array.from({ length: 2 }, (_, index) => keepPushing(load, `app/${index}`)),
  ];
  const verdicts = new Verdicts(registry);
  const work = (async () => {
    for (let i = 0; i < reloads; i++) {
      for (const name of PAIR) {
        await Deno.copyFile(`${pairs[i % 2]}/${name}`, `${folder}/${name}.new`);
        await Deno.rename(`${folder}/${name}.new`, `${folder}/${name}`);
      }
      if (i % BY_CHANGE !== 0) registry.process.kill("SIGHUP");
      const verdict = await verdicts.next();
      assert.equal(verdict.message, "configuration reloaded", verdict.reason);
    }
  })();
  // Whoever fails ends everything.
  await Promise.race([work, Promise.all(clients)]);
  load.running = false;
  await work;
  const [asked, connected, pushed] = sumsOf(await Promise.all(clients));
  return `${reloads} reloads, in which ${asked} requests of open connections, ${connected} new ones ` +
    `and ${pushed} pushes were answered`;
}

/** Requests on one connection. */
async function keepAsking(load: Load): Promise<["asked", number]> {
  using client = await RawClient.connect(load.registry.port, load.caPem);
  let count = 0;
  for (; load.running; count++) {
    await client.send(GET);
    assert.equal((await client.readAnswer()).status, 200);
  }
  return ["asked", count];
}

/** A handshake for each request. */
async function keepConnecting(load: Load): Promise<["connected", number]> {
  let count = 0;
  for (; load.running; count++) {
    using client = await RawClient.connect(load.registry.port, load.caPem);
    await client.send(GET);
    assert.equal((await client.readAnswer()).status, 200);
  }
  return ["connected", count];
}

/** Blobs of 1 MiB, in two pieces. */
async function keepPushing(load: Load, repository: string): Promise<["pushed", number]> {
  using api = new RegistryApi({ url: load.registry.url, caPem: load.caPem });
  let count = 0;
  for (; load.running; count++) {
    const bytes = randomFillSync(new Uint8Array(1024 * 1024));
    const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
    const half = bytes.length / 2;
    const patch = await api.expect(202, "PATCH", await api.openUpload(repository), {
      body: bytes.slice(0, half),
    });
    await patch.body?.cancel();
    const url = new URL(patch.headers.get("location")!, load.registry.url);
    url.searchParams.set("digest", digest);
    await (await api.expect(201, "PUT", url.href, { body: bytes.slice(half) })).body?.cancel();
  }
  return ["pushed", count];
}

function sumsOf(counts: readonly (readonly [string, number])[]): number[] {
  return ["asked", "connected", "pushed"].map((name) =>
    counts.filter(([kind]) => kind === name).reduce((sum, [, count]) => sum + count, 0)
  );
}
