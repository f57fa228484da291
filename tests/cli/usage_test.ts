/** The command line. */
import assert from "node:assert/strict";
import { parseCommandLine, USAGE, UsageError } from "../../src/cli/usage.ts";

Deno.test("parseCommandLine() takes configuration files before and after the command, in order", () => {
  assert.deepEqual(parseCommandLine(["-c", "a.toml", "server", "--config", "b.toml", "--config=c.toml"]), {
    configFiles: ["a.toml", "b.toml", "c.toml"],
    words: ["server"],
    options: [],
  });
});

Deno.test("parseCommandLine() takes the words of a command, and none", () => {
  assert.deepEqual(parseCommandLine(["config", "check"]).words, ["config", "check"]);
  assert.deepEqual(parseCommandLine([]), { configFiles: [], words: [], options: [] });
});

Deno.test("parseCommandLine() leaves the options of a command that has its own to it", () => {
  const { words, options, configFiles } = parseCommandLine([
    "policy",
    "test",
    "--anonymous",
    "-c",
    "a.toml",
    "--ip",
    "::1",
  ]);
  assert.deepEqual(words, ["policy", "test"]);
  assert.deepEqual(options, ["--anonymous", "--ip", "::1"]);
  assert.deepEqual(configFiles, ["a.toml"]);
});

Deno.test("parseCommandLine() knows the usual options for help and version", () => {
  for (const option of ["-h", "--help"]) assert.equal(parseCommandLine(["server", option]).words[0], "help");
  for (const option of ["-V", "--version"]) assert.equal(parseCommandLine([option]).words[0], "version");
});

Deno.test("parseCommandLine() refuses options that do not exist or lack their value", () => {
  const wrong: Readonly<Record<string, string[]>> = {
    "-c needs a file": ["server", "-c"],
    "--config needs a file": ["--config="],
    "unknown option --port": ["--port", "5000", "server"],
    "unknown option -x": ["-x"],
    "unknown option --": ["--"],
  };
  for (const [message, args] of Object.entries(wrong)) {
    assert.throws(() => parseCommandLine(args), (error: Error) => {
      assert.ok(error instanceof UsageError);
      assert.equal(error.message, message);
      return true;
    });
  }
  assert.throws(() => parseCommandLine(["-c", "", "server"]), UsageError);
});

Deno.test("the usage text has an empty line only between its parts", () => {
  assert.doesNotMatch(USAGE, /\n\n +\(?[a-z]/);
});

Deno.test("the usage text fits a terminal that is 120 characters wide", () => {
  for (const line of USAGE.split("\n")) assert.ok(line.length <= 120, line);
});
