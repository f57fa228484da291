/** Lets a file system find a fault and make itself read-only under a server. Needs root, a loop device and ext4. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

const scenario = fileURLToPath(new URL("../faults/read_only_disk_scenario.ts", import.meta.url));
const dir = await Deno.makeTempDir();
try {
  // Mounted in a namespace of the process, so that it goes with it.
  const script = 'truncate -s 200M "$1/image" && mkfs.ext4 -q "$1/image" && mkdir "$1/disk" && ' +
    'mount -o loop,errors=remount-ro "$1/image" "$1/disk" && exec "$2" run -A "$3" "$1/disk"';
  const { stdout, stderr } = await new Deno.Command("unshare", {
    args: ["--mount", "sh", "-c", script, "sh", dir, Deno.execPath(), scenario],
  }).output();
  assert.equal(new TextDecoder().decode(stdout), "ok\n", new TextDecoder().decode(stderr));
  console.log("a file system that made itself read-only: writes refused in words, readyz red, reads go on");
} finally {
  await Deno.remove(dir, { recursive: true });
}
