/** The program needs one folder that it can write to, and nothing else of the machine. */
import assert from "node:assert/strict";
import { testWith } from "../harness/real_clients.ts";
import { ServerProcess } from "../harness/server_process.ts";
import { registryProgram } from "../harness/start_registry.ts";

const test = testWith({ programs: ["unshare"], root: true });

/** Everything is read-only but the data directory: the root with the folder for temporary files, shared memory, /run. */
const READ_ONLY = `set -e
mkdir -p "$1"
mount --bind "$1" "$1"
mount -t tmpfs -o ro tmpfs /dev/shm
mount -t tmpfs -o ro tmpfs /run
mount -o remount,bind,ro /
if touch /tmp/probe "$1/../probe" /dev/shm/probe /run/probe 2>/dev/null; then echo "not read-only" >&2; exit 1; fi
shift
exec "$@"`;

test("on a read-only machine the registry starts, takes a push, reloads, serves and stops", async () => {
  const folder = await Deno.makeTempDir({ prefix: "read-only-" });
  const config = `${folder}/config.toml`;
  const write = (rules: string) =>
    Deno.writeTextFile(
      config,
      `[server]\nport = 0\n[blob_store.fs]\nroot_dir = "data"\n[global.access_policy]\nrules = [${rules}]\n`,
    );
  await write('"true"');
  const server = new ServerProcess("The registry", "unshare", {
    args: [
      ...["--mount", "--propagation", "private", "sh", "-c", READ_ONLY, "sh", `${folder}/data`],
      ...[...await registryProgram(), "server"],
    ],
    cwd: folder,
    env: { NO_COLOR: "1", TMPDIR: "/tmp" },
  });
  const waitFor = (message: string) =>
    server.waitForLine(message, (line) => {
      const record = line.startsWith("{") ? JSON.parse(line) : {};
      return record.message === message ? record : undefined;
    });
  try {
    const { url } = await waitFor("listening");
    const blob = new TextEncoder().encode("a layer that is larger than nothing".repeat(100_000));
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", blob));
    const digest = `sha256:${hash.toHex()}`;
    const pushed = await fetch(`${url}/v2/app/blobs/uploads/?digest=${digest}`, {
      method: "POST",
      body: blob,
    });
    assert.equal(pushed.status, 201, await pushed.text());
    const pulled = await fetch(`${url}/v2/app/blobs/${digest}`);
    assert.deepEqual(new Uint8Array(await pulled.arrayBuffer()), blob);

    await write("\"request.action == 'get-api-version'\"");
    server.kill("SIGHUP");
    await waitFor("configuration reloaded");
    const refused = await fetch(`${url}/v2/app/blobs/${digest}`);
    await refused.body?.cancel();
    assert.notEqual(refused.status, 200);

    assert.equal((await server.stop()).code, 0);
    assert.ok(
      !server.logLines.some((line) => /"level":"(error|warn)"/.test(line)),
      server.logLines.join("\n"),
    );
    const left = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
    assert.deepEqual(left.toSorted(), ["config.toml", "data"]);
  } finally {
    server.kill("SIGKILL");
    await server.ended();
    await Deno.remove(folder, { recursive: true });
  }
});
