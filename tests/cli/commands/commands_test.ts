/** Commands that end by themselves: what they print, and their exit codes. */
import assert from "node:assert/strict";
import { COMMANDS } from "../../../src/cli/command_table.ts";
import { describeUsage, USAGE } from "../../../src/cli/usage.ts";
import { PROGRAM, ProgramFolder } from "../run_program.ts";

Deno.test("no command and unknown commands or options are wrong usage: exit 2, with the usage text", async () => {
  await using folder = await ProgramFolder.make();
  const wrong: Readonly<Record<string, string[]>> = {
    "no command": [],
    'unknown command: serve, did you mean "server"?': ["serve"],
    "unknown command: walk": ["walk"],
    "unknown option --port": ["--port", "1", "server"],
    "-c needs a file": ["server", "-c"],
  };
  for (const [message, args] of Object.entries(wrong)) {
    const { code, stdout, stderr } = await folder.run(args);
    assert.deepEqual({ code, stdout, stderr }, {
      code: 2,
      stdout: "",
      stderr: `simple-registry: ${message}\n\n${USAGE}\n`,
    });
  }
});

Deno.test("help prints the usage text", async () => {
  await using folder = await ProgramFolder.make();
  const { code, stdout, stderr } = await folder.run(["help"]);
  assert.deepEqual({ code, stdout, stderr }, { code: 0, stdout: USAGE, stderr: "" });
});

Deno.test("a reader who closes the pipe early has seen enough: no word about it, and the exit code of the command", async () => {
  const [command = "", ...args] = PROGRAM;
  const child = new Deno.Command(command, { args: [...args, "help"], stdout: "piped", stderr: "piped" })
    .spawn();
  await child.stdout.cancel();
  const stderr = await new Response(child.stderr).text();
  assert.deepEqual([(await child.status).code, stderr], [0, ""]);
});

Deno.test("every command and every first word has help, on standard output, which names all its options", async () => {
  await using folder = await ProgramFolder.make();
  const { stdout } = await folder.run(["policy", "test", "--user", "ci", "--help"]);
  assert.equal(stdout, describeUsage(["policy", "test"]));
  const { code, stdout: group } = await folder.run(["tags", "-h"]);
  assert.equal(code, 0);
  assert.match(
    group,
    /^Usage: .* tags history REPOSITORY TAG .*\n[^]*\nUsage: .* tags restore REPOSITORY TAG /,
  );
  for (const { name, options = [] } of COMMANDS) {
    const help = describeUsage(name.split(" "));
    assert.ok(help.includes(` ${name}`), name);
    for (const option of options) assert.ok(help.includes(`  --${option.name} `), `${name} --${option.name}`);
    for (const line of help.split("\n")) assert.ok(line.length <= 130, line);
  }
});

Deno.test("wrong options of a command are told with the help of that command, and help of nothing is wrong usage", async () => {
  await using folder = await ProgramFolder.make();
  const wrong = await folder.run(["scrub", "--rat", "5"]);
  assert.deepEqual({ code: wrong.code, stderr: wrong.stderr }, {
    code: 2,
    stderr:
      "simple-registry: unknown option --rat; this command has --repair, --rate, --restart, --json\n\n" +
      `${describeUsage(["scrub"])}\n`,
  });
  const nothing = await folder.run(["help", "serve"]);
  assert.equal(nothing.code, 2);
  assert.match(nothing.stderr, /^simple-registry: unknown command: serve, did you mean "server"\?\n/);
});

Deno.test("commands that take nothing say so with their own help, and half a command with the help of whole ones", async () => {
  await using folder = await ProgramFolder.make();
  const wrong = [
    [["server", "a.toml"], 'unexpected "a.toml"; a configuration file is given by -c FILE', ["server"]],
    [["server", "--port", "1"], "unknown option --port; this command has none of its own", ["server"]],
    [["config", "check", "-x"], 'unexpected "-x"', ["config", "check"]],
    [["version", "now"], 'unexpected "now"', ["version"]],
    [["config"], "config is no whole command: write config check or config convert", ["config"]],
    [["tags", "histroy"], 'unknown command: tags histroy, did you mean "tags history"?', ["tags"]],
  ] as const;
  for (const [args, message, help] of wrong) {
    const { code, stderr } = await folder.run(args);
    assert.deepEqual([code, stderr], [2, `simple-registry: ${message}\n\n${describeUsage(help)}\n`]);
  }
});

Deno.test("version prints three lines: the program, Deno, SQLite", async () => {
  await using folder = await ProgramFolder.make();
  const { code, stdout } = await folder.run(["version"]);
  assert.equal(code, 0);
  assert.match(stdout, /^simple-registry \d+\.\d+\.\d+\nDeno \d+\.\d+\.\d+\nSQLite 3\.\d+\.\d+\n$/);
  assert.deepEqual([...Deno.readDirSync(folder.path)], [], "it leaves nothing behind");
});

Deno.test("config check says ok, for ./config.toml, for a named file, and for the built-in configuration", async () => {
  await using folder = await ProgramFolder.make();
  const builtIn = await folder.run(["config", "check"]);
  assert.equal(builtIn.code, 0);
  assert.match(
    builtIn.stdout,
    /^ok \(built-in configuration: no file was given and \.\/config\.toml does not exist\)\n$/,
  );

  await folder.configure("[server]\nport = 5000\n");
  const { code, stdout } = await folder.run(["config", "check"]);
  assert.equal(code, 0);
  assert.match(stdout, /^warning: No access control is configured: .*\nok\n$/);

  await Deno.rename(`${folder.path}/config.toml`, `${folder.path}/other.toml`);
  assert.match((await folder.run(["-c", "other.toml", "config", "check"])).stdout, /\nok\n$/);
});

Deno.test("config check prints every problem with file and line, exit 2", async () => {
  await using folder = await ProgramFolder.make();
  await folder.configure('[server]\nprot = 5000\nport = "no"\n');
  for (const args of [["config", "check"], ["server"], ["status"]]) {
    const { code, stdout, stderr } = await folder.run(args);
    assert.equal(code, 2, args.join(" "));
    assert.equal(stdout, "");
    assert.match(stderr, /config\.toml:2\b.*prot/);
    assert.match(stderr, /config\.toml:3\b.*port/);
  }
});

Deno.test("a configuration file that cannot be read is named, exit 2", async () => {
  await using folder = await ProgramFolder.make();
  const { code, stderr } = await folder.run(["-c", "nowhere.toml", "config", "check"]);
  assert.equal(code, 2);
  assert.match(stderr, /nowhere\.toml.*cannot read it/);
});

Deno.test("status without a running server says so, exit 1", async () => {
  await using folder = await ProgramFolder.make();
  const { code, stdout, stderr } = await folder.run(["status"]);
  assert.deepEqual({ code, stdout }, { code: 1, stdout: "" });
  assert.match(stderr, /^simple-registry: no server runs on data directory .*data\n$/);
});

Deno.test("a log level that does not exist is wrong usage, exit 2", async () => {
  await using folder = await ProgramFolder.make();
  const { code, stderr } = await folder.run(["server"], { SIMPLE_REGISTRY_LOG: "loud" });
  assert.equal(code, 2);
  assert.match(stderr, /SIMPLE_REGISTRY_LOG.*"loud"/);
});
