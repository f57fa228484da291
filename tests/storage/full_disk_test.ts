/** A full disk refuses what is new, keeps what is there readable and deletable, and is forgotten once there is room. */
import assert from "node:assert/strict";

const SCENARIO = new URL("./full_disk_scenario.ts", import.meta.url).pathname;

Deno.test("the storage goes through a full disk of 8 MiB without losing anything", async () => {
  const dir = await Deno.makeTempDir();
  try {
    // A mount namespace of its own: the file system goes with the process.
    const { stdout, stderr } = await new Deno.Command("unshare", {
      args: [
        ...(Deno.uid() === 0 ? [] : ["--user", "--map-root-user"]),
        "--mount",
        "sh",
        "-c",
        'mount -t tmpfs -o size=8m tmpfs "$1" && exec "$2" run -A "$3" "$1"',
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
