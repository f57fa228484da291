/** The unit that `systemd-unit` prints fits the configuration and shuts the service in. */
import assert from "node:assert/strict";
import { writeUnit } from "../../../src/cli/commands/systemd_unit.ts";
import { load } from "../../config/load_text.ts";
import { captureCommand } from "../../harness/run_command.ts";
import { testWith } from "../../harness/real_clients.ts";
import { PROGRAM, ProgramFolder } from "../run_program.ts";

const test = testWith({ programs: ["systemd-analyze"] });

function unit(toml: string, configFiles: readonly string[] = ["/etc/simple-registry/config.toml"]): string {
  return writeUnit({
    settings: load(toml),
    configFiles,
    namedFiles: [],
    program: "/usr/local/bin/simple-registry",
  });
}

function valuesOf(text: string, key: string): string[] {
  return text.split("\n").filter((line) => line.startsWith(`${key}=`)).map((line) =>
    line.slice(key.length + 1)
  );
}

const HASH =
  "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const STATE = '[blob_store.fs]\nroot_dir = "/var/lib/simple-registry"\n';

Deno.test("the unit starts the program with its configuration, and gives it time to drain and descriptors enough", () => {
  const text = unit(`[server]\ndrain_timeout = "2m"\nmax_connections = 500\n${STATE}`);
  assert.deepEqual(valuesOf(text, "ExecStart"), [
    "/usr/local/bin/simple-registry -c /etc/simple-registry/config.toml server",
  ]);
  assert.deepEqual(valuesOf(text, "TimeoutStopSec"), ["135s"]);
  assert.deepEqual(valuesOf(text, "LimitNOFILE"), ["2024"]);
  assert.deepEqual(valuesOf(text, "Type"), ["notify"]);
  assert.deepEqual(valuesOf(text, "StartLimitIntervalSec"), ["0"]);
});

Deno.test("a data directory below the state folder belongs to a user of the moment, another one to a user of its own", () => {
  assert.deepEqual(valuesOf(unit(STATE), "StateDirectory"), ["simple-registry"]);
  assert.deepEqual(valuesOf(unit(STATE), "DynamicUser"), ["yes"]);
  const elsewhere = unit('[blob_store.fs]\nroot_dir = "/srv/registry"\n');
  assert.deepEqual(valuesOf(elsewhere, "ReadWritePaths"), ["/srv/registry"]);
  assert.deepEqual(valuesOf(elsewhere, "User"), ["simple-registry"]);
  assert.deepEqual(valuesOf(elsewhere, "DynamicUser"), []);
});

Deno.test("the right to a low port is given only where the port is low", () => {
  assert.deepEqual(valuesOf(unit(`[server]\nport = 443\n${STATE}`), "AmbientCapabilities"), [
    "CAP_NET_BIND_SERVICE",
  ]);
  assert.deepEqual(valuesOf(unit(`[server]\nport = 443\n${STATE}`), "PrivateUsers"), []);
  assert.deepEqual(valuesOf(unit(STATE), "AmbientCapabilities"), [""]);
  assert.deepEqual(valuesOf(unit(STATE), "PrivateUsers"), ["yes"]);
});

Deno.test("homes are closed unless something of the configuration lies there", () => {
  assert.deepEqual(valuesOf(unit(STATE), "ProtectHome"), ["yes"]);
  assert.deepEqual(valuesOf(unit(STATE, ["/root/config.toml"]), "ProtectHome"), ["no"]);
  assert.deepEqual(valuesOf(unit('[blob_store.fs]\nroot_dir = "/home/a/data"\n'), "ProtectHome"), ["no"]);
});

Deno.test("homes are open where the program or a certificate lies there, the working directory is told where any path begins there", () => {
  const facts = { settings: load(STATE), configFiles: ["/etc/c.toml"], program: "/usr/bin/registry" };
  const far = writeUnit({ ...facts, namedFiles: ["/root/tls/server.key"] });
  assert.deepEqual(valuesOf(far, "ProtectHome"), ["no"]);
  assert.deepEqual(valuesOf(far, "WorkingDirectory"), []);
  const near = writeUnit({ ...facts, namedFiles: ["/etc/server.key", "reader.hash"] });
  assert.deepEqual(valuesOf(near, "WorkingDirectory"), [Deno.cwd()]);
  const own = writeUnit({ ...facts, namedFiles: [], program: "/home/a/simple-registry" });
  assert.deepEqual(valuesOf(own, "ProtectHome"), ["no"]);
});

Deno.test("a path with spaces, quotes, percent and dollar signs stays one word", () => {
  const text = unit(STATE, ['/etc/a b/%n "x" $HOME\\y.toml']);
  assert.deepEqual(valuesOf(text, "ExecStart"), [
    '/usr/local/bin/simple-registry -c "/etc/a b/%%n \\"x\\" $$HOME\\\\y.toml" server',
  ]);
});

test("systemd takes the unit without a word, and calls it well shut in: 2.0 or less, also with a low port", async () => {
  const folder = await Deno.makeTempDir();
  const file = `${folder}/simple-registry.service`;
  for (const port of [8000, 443]) {
    const text = unit(`[server]\nport = ${port}\n${STATE}`).replaceAll(
      "/usr/local/bin/simple-registry",
      "/bin/true",
    );
    await Deno.writeTextFile(file, text);
    const verified = await captureCommand(["systemd-analyze", "verify", file]);
    assert.deepEqual([verified.code, verified.stderr], [0, ""]);
    const { stdout } = await captureCommand([
      "systemd-analyze",
      "security",
      "--offline=yes",
      "--no-pager",
      file,
    ]);
    const score = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)![1]);
    assert.ok(score <= 2, `exposure ${score} with port ${port}`);
  }
  await Deno.remove(folder, { recursive: true });
});

Deno.test("systemd-unit prints the unit for the configuration at hand", async () => {
  await using folder = await ProgramFolder.make();
  await folder.configure('[blob_store.fs]\nroot_dir = "data"\n');
  const { code, stdout, stderr } = await folder.run(["-c", "config.toml", "systemd-unit"]);
  assert.deepEqual([code, stderr], [0, ""]);
  const path = await Deno.realPath(folder.path);
  assert.deepEqual(valuesOf(stdout, "ExecStart"), [
    `/usr/local/bin/simple-registry -c ${path}/config.toml server`,
  ]);
  assert.deepEqual(valuesOf(stdout, "ReadWritePaths"), [`${path}/data`]);
  assert.deepEqual(valuesOf(stdout, "WorkingDirectory"), [path]);
});

Deno.test("systemd-unit names ./config.toml, which is read without -c, and begins where a file of it is counted from", async () => {
  await using folder = await ProgramFolder.make();
  await Deno.writeTextFile(`${folder.path}/a.hash`, HASH);
  await folder.configure(`${STATE}[auth.identity.a]\nusername = "a"\npassword_file = "a.hash"\n`);
  const { stdout } = await folder.run(["systemd-unit"]);
  const path = await Deno.realPath(folder.path);
  assert.deepEqual(valuesOf(stdout, "ExecStart"), [
    `/usr/local/bin/simple-registry -c ${path}/config.toml server`,
  ]);
  assert.deepEqual(valuesOf(stdout, "WorkingDirectory"), [path]);
});

test("systemd takes the unit for a configuration of relative paths, in a folder with a space in its name", async () => {
  await using folder = await ProgramFolder.make();
  const inner = `${await Deno.realPath(folder.path)}/a b`;
  await Deno.mkdir(inner);
  await Deno.writeTextFile(`${inner}/config.toml`, '[blob_store.fs]\nroot_dir = "data"\n');
  const { stdout } = await captureCommand([...PROGRAM, "-c", "config.toml", "systemd-unit"], { cwd: inner });
  assert.deepEqual(valuesOf(stdout, "WorkingDirectory"), [inner]);
  const file = `${inner}/simple-registry.service`;
  await Deno.writeTextFile(file, stdout.replaceAll("/usr/local/bin/simple-registry", "/bin/true"));
  const verified = await captureCommand(["systemd-analyze", "verify", file]);
  assert.deepEqual([verified.code, verified.stderr], [0, ""]);
});
