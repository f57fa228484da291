/** The program does something useful when it is started in an empty folder without any configuration. */

import assert from "node:assert/strict";
import { testWith } from "../harness/real_clients.ts";
import { runCommand } from "../harness/run_command.ts";
import { ServerProcess } from "../harness/server_process.ts";
import { registryProgram } from "../harness/start_registry.ts";

// The built-in configuration takes port 8000, which may be in use on this machine but never in a new network namespace.
const needs = { programs: ["unshare", "nsenter", "ip", "curl"], root: true };
const test = testWith(needs);

test("the registry in an empty folder serves 127.0.0.1:8000 from ./data and says how to push", async () => {
  const folder = await Deno.makeTempDir({ prefix: "empty-" });
  const loopbackUp = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];
  const [program = "", ...args] = [...loopbackUp, ...await registryProgram(), "server"];
  const registry = new ServerProcess("The registry", program, { args, cwd: folder, env: { NO_COLOR: "1" } });
  try {
    const inside = ["nsenter", `--net=/proc/${registry.pid}/ns/net`, "curl", "--silent", "--show-error"];
    await registry.waitForLine(
      "a line that says it listens on the default address",
      (line) => line.includes('"url":"http://127.0.0.1:8000"') || undefined,
    );
    await registry.waitForLine("how to push", (line) => /push/.test(line) || undefined);
    const url = "http://127.0.0.1:8000/v2/first/blobs/uploads/";
    const digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    const push = [
      "--data-raw",
      "hello",
      "-H",
      "Content-Type: application/octet-stream",
      `${url}?digest=${digest}`,
    ];
    await runCommand([...inside, "--fail", ...push]);
    const pulled = await runCommand([...inside, `http://127.0.0.1:8000/v2/first/blobs/${digest}`]);
    assert.equal(pulled.stdout, "hello");
    assert.equal((await registry.stop()).code, 0);
    assert.deepEqual((await Array.fromAsync(Deno.readDir(folder))).map((entry) => entry.name), ["data"]);
  } finally {
    registry.kill("SIGKILL");
    await registry.ended();
    await Deno.remove(folder, { recursive: true });
  }
});
