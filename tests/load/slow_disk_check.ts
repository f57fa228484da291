/** Lets clients push over mTLS faster than the disk takes it, and measures the memory of the server. */
import assert from "node:assert/strict";
import { captureCommand } from "../harness/run_command.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { startRegistry } from "../harness/start_registry.ts";
import { ROLES } from "../mtls/access_rules.ts";
import { curlPair, makePeople, writePair } from "../mtls/identity_files.ts";
import { megabytes, readProcessMemory } from "./process_memory.ts";
import { SLOW_DISK, THREADS } from "./slow_disk.ts";

export interface SlowDiskTrial {
  readonly clients: number;
  /** Bytes that each of them pushes. */
  readonly blobSize: number;
  /** Seconds after which they are cut off. */
  readonly seconds: number;
  /** Bytes that the server may take in all. */
  readonly mostMemory: number;
}

/** @throws {AssertionError} for the first figure beyond its bound; gives all of them as text */
export async function checkSlowDisk(
  { clients, blobSize, seconds, mostMemory }: SlowDiskTrial,
): Promise<string> {
  const people = makePeople();
  await using registry = await startRegistry({
    clientAuth: people.clientAuth,
    config: ROLES,
    server: `threads = ${THREADS}`,
    main: new URL("./slow_disk_server.ts", import.meta.url),
  });
  const folder = await Deno.makeTempDir();
  try {
    await writePair(folder, people.admin);
    // Takes no room on the disk.
    using blob = await Deno.open(`${folder}/blob`, { create: true, write: true });
    await blob.truncate(blobSize);
    using api = new RegistryApi(registry, people.admin);
    const before = await readProcessMemory(registry.process.pid);
    await Promise.all(Array.from({ length: clients }, async (_, number) => {
      const url = new URL(await api.openUpload(`app/${number}`), registry.url);
      const { code } = await captureCommand([
        ...["curl", "--silent", "--http1.1", "--cacert", registry.caFile, "--max-time", `${seconds}`],
        ...curlPair(folder),
        ...["--request", "PATCH", "--upload-file", `${folder}/blob`, url.href],
      ]);
      assert.equal(code, 28, "curl ended before its time was up");
    }));
    const { peak } = await readProcessMemory(registry.process.pid);
    const uploads = `${registry.rootDir}/uploads`;
    const written = [...Deno.readDirSync(uploads)]
      .reduce((sum, { name }) => sum + Deno.statSync(`${uploads}/${name}`).size, 0);
    const figures = `${clients} clients pushed ${megabytes(written)} in ${seconds} s; ` +
      `memory ${megabytes(before.now)} before, ${megabytes(peak)} at most`;
    assert.ok(written > 0, "nothing arrived");
    assert.ok(written < SLOW_DISK * (seconds + 5) * 2, `the disk was not slow: ${figures}`);
    assert.ok(peak < mostMemory, figures);
    return figures;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
