/** Uploads over mTLS must not pile up in memory: the runtime itself holds nothing back (design 5.5). */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { testWith } from "../harness/real_clients.ts";
import { RegistryApi } from "../harness/registry_api.ts";
import { runCommand } from "../harness/run_command.ts";
import { startRegistry } from "../harness/start_registry.ts";
import { inTries } from "../harness/tries.ts";
import { ROLES } from "./access_rules.ts";
import { curlPair, makePeople, writePair } from "./identity_files.ts";

const test = testWith({ programs: ["curl"] });
const MIB = 1024 * 1024;
const CLIENTS = 8;
const BLOB_BYTES = 128 * MIB;
/** All that they send is 1,074 MB, so this proves that it is not kept. */
const MOST_BYTES = 300 * 1000 * 1000;

/** A blob that takes no room on the disk, and differs from the others in its first byte. */
async function writeBlob(path: string, number: number): Promise<string> {
  using file = await Deno.open(path, { create: true, write: true });
  await file.write(Uint8Array.of(number + 1));
  await file.truncate(BLOB_BYTES);
  const hash = createHash("sha256");
  const block = new Uint8Array(MIB);
  block[0] = number + 1;
  for (let at = 0; at < BLOB_BYTES; at += MIB) {
    hash.update(block);
    block[0] = 0;
  }
  return `sha256:${hash.digest("hex")}`;
}

async function readPeakBytes(pid: number): Promise<number> {
  // Deno itself reads nothing in /proc without all permissions.
  const { stdout } = await runCommand(["cat", `/proc/${pid}/status`]);
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(stdout)?.[1] ?? NaN) * 1024;
}

test(
  "eight clients that push 128 MiB each at once over mTLS leave the registry below 300 MB",
  inTries(async () => {
    const people = makePeople();
    await using registry = await startRegistry({ clientAuth: people.clientAuth, config: ROLES });
    const folder = await Deno.makeTempDir();
    await writePair(folder, people.admin);
    const digests = await Promise.all(
      Array.from({ length: CLIENTS }, (_, number) => writeBlob(`${folder}/${number}`, number)),
    );
    using api = new RegistryApi(registry, people.admin);
    await Promise.all(digests.map(async (digest, number) => {
      const url = new URL(await api.openUpload(`app/${number}`), registry.url);
      url.searchParams.set("digest", digest);
      const { stdout } = await runCommand([
        ...["curl", "--silent", "--show-error", "--http1.1", "--cacert", registry.caFile],
        ...curlPair(folder),
        ...["--upload-file", `${folder}/${number}`, "--write-out", "%{http_code}"],
        ...["-H", "Content-Type: application/octet-stream"],
        url.href,
      ]);
      assert.equal(stdout, "201");
    }));
    const peak = await readPeakBytes(registry.process.pid);
    assert.ok(peak < MOST_BYTES, `the registry took ${Math.round(peak / 1e6)} MB at most`);
    await Deno.remove(folder, { recursive: true });
  }),
);
