/** Runs a scenario in a process of its own, on a file system that is soon full. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

/**
 * Gives the scenario a new tmpfs as its one argument; it must print "ok" and nothing else. The file system is mounted in a
 * namespace of the process, so that it goes with it.
 *
 * @param size as mount(8) takes it, such as "8m"
 * @throws {AssertionError} with what the scenario says instead
 */
export async function runOnSmallDisk(size: string, scenario: URL): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    const { stdout, stderr } = await new Deno.Command("unshare", {
      args: [
        ...(Deno.uid() === 0 ? [] : ["--user", "--map-root-user"]),
        "--mount",
        "sh",
        "-c",
        `mount -t tmpfs -o size=${size} tmpfs "$1" && exec "$2" run -A "$3" "$1"`,
        "sh",
        dir,
        Deno.execPath(),
        fileURLToPath(scenario),
      ],
    }).output();
    assert.equal(new TextDecoder().decode(stdout), "ok\n", new TextDecoder().decode(stderr));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
