/** A server whose disk another program fills refuses what is new, and takes it once there is room, without a restart. */
import assert from "node:assert/strict";

const SCENARIO = new URL("./full_server_scenario.ts", import.meta.url).pathname;

Deno.test("a server on a full disk answers 507 to every push, reads and deletes on, and heals by itself", async () => {
  const dir = await Deno.makeTempDir();
  try {
    // A mount namespace of its own: the file system goes with the process.
    const { stdout, stderr } = await new Deno.Command("unshare", {
      args: [
        ...(Deno.uid() === 0 ? [] : ["--user", "--map-root-user"]),
        "--mount",
        "sh",
        "-c",
        'mount -t tmpfs -o size=256m tmpfs "$1" && exec "$2" run -A "$3" "$1"',
        "sh",
        dir,
        Deno.execPath(),
        SCENARIO,
      ],
    }).output();
    assert.equal(new TextDecoder().decode(stdout), "ok\n", new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
