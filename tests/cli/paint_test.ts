/** Colours: on a terminal, and not where their owner wants none. */
import assert from "node:assert/strict";
import { isPainted, paintLevel } from "../../src/cli/paint.ts";
import { captureCommand } from "../harness/run_command.ts";
import { testWith } from "../harness/real_clients.ts";
import { PROGRAM } from "./run_program.ts";

/** What every colour begins with. */
const COLOUR = "\x1b[3";

const terminal = { isTerminal: () => true };
const file = { isTerminal: () => false };
const env = (variables: Record<string, string>) => (name: string) => variables[name];

Deno.test("text is coloured on a terminal only, and not with NO_COLOR or on a dumb one", () => {
  assert.ok(isPainted(terminal, env({ TERM: "xterm" })));
  assert.ok(isPainted(terminal, env({ NO_COLOR: "" })), "empty counts as absent (no-color.org)");
  assert.ok(!isPainted(file, env({ TERM: "xterm" })));
  assert.ok(!isPainted(terminal, env({ NO_COLOR: "1" })));
  assert.ok(!isPainted(terminal, env({ TERM: "dumb" })));
  assert.equal(paintLevel("ok", "ok"), "\x1b[32mok\x1b[0m");
});

testWith({ programs: ["script"] })(
  "doctor is coloured on a real terminal, and plain with NO_COLOR",
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      const line = `${PROGRAM.join(" ")} doctor`;
      const surroundings = { cwd: folder, env: { TERM: "xterm" } };
      // What this test runs with would hide the colours.
      const painted = await captureCommand(
        ["env", "-u", "NO_COLOR", "script", "-qec", line, "/dev/null"],
        surroundings,
      );
      assert.ok(painted.stdout.includes(paintLevel("ok     ", "ok")), painted.stdout);
      const plain = await captureCommand(
        ["env", "NO_COLOR=1", "script", "-qec", line, "/dev/null"],
        surroundings,
      );
      assert.ok(!plain.stdout.includes(COLOUR), plain.stdout);
      assert.match(plain.stdout, /ok +clock/);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);
