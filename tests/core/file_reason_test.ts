/** What people read when a file cannot be used. */
import assert from "node:assert/strict";
import { fileReasonOf, isForbiddenPlace } from "../../src/core/file_reason.ts";
import { captureCommand } from "../harness/run_command.ts";

Deno.test("where the runtime would have a flag that the program does not take, the reason says what helps", async () => {
  const program =
    "try { Deno.readFileSync('/proc/self/environ'); } catch (error) { console.log(error.message); }";
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/read.ts`, program);
    const { stdout } = await captureCommand([
      ...[Deno.execPath(), "run", "--no-prompt", "--no-config", "--allow-read", `${folder}/read.ts`],
    ]);
    assert.match(stdout, /allow-all/);
    assert.equal(
      fileReasonOf(new Deno.errors.NotCapable(stdout)),
      "the runtime lets no program use files in /dev, /proc and /sys: take another folder",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("every other reason stays as the system told it", () => {
  assert.equal(fileReasonOf(new Error("Permission denied (os error 13)")), "Permission denied (os error 13)");
  assert.equal(fileReasonOf("text"), "text");
});

Deno.test("isForbiddenPlace() goes by whole names", () => {
  assert.deepEqual(["/dev/shm/a", "/proc", "/sys/", "/device", "/srv/dev", "/"].map(isForbiddenPlace), [
    ...[true, true, true, false, false, false],
  ]);
});
