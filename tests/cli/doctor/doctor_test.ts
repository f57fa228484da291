/** `doctor`: what it says of a healthy set-up, and of each thing that can be wrong with one. */
import assert from "node:assert/strict";
import { dirname } from "node:path";
import { countOpenable } from "../../../src/cli/doctor/check_port.ts";
import { adviceOn, checkRunning } from "../../../src/cli/doctor/check_running.ts";
import { describeFinding } from "../../../src/cli/doctor/finding.ts";
import { lockDirectory } from "../../../src/storage/files/directory_lock.ts";
import { makeAuthority } from "../../auth/certificate_factory.ts";
import { captureCommand } from "../../harness/run_command.ts";
import { registryProgram, startRegistry } from "../../harness/start_registry.ts";
import { makeData, openTrial, POLICY } from "./doctor_trial.ts";
import { ProgramFolder, waitForPort } from "../run_program.ts";

Deno.test("doctor finds nothing wrong before the first start, and leaves nothing behind", async () => {
  await using folder = await ProgramFolder.make();
  await folder.configure(`[server]\nport = 0\nmax_connections = 100\n${POLICY}`);
  const { code, stdout, stderr } = await folder.run(["doctor"]);
  assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  for (
    const check of ["configuration", "clock", "data directory", "disk space", "database", "server", "port"]
  ) {
    assert.match(stdout, new RegExp(`^ok       ${check}: `, "m"));
  }
  assert.match(stdout, /\n0 problems, \d warnings?\n$/);
  assert.deepEqual([...Deno.readDirSync(folder.path)].map(({ name }) => name), ["config.toml"]);
});

Deno.test("doctor tells every problem of the configuration with its line, exit 2", async () => {
  await using folder = await ProgramFolder.make();
  await folder.configure('[server]\nprot = 5000\nport = "no"\n');
  const { code, stdout } = await folder.run(["doctor"]);
  assert.equal(code, 2);
  assert.match(
    stdout,
    /^problem +configuration: config\.toml:2: server\.prot: .*\nproblem +configuration: config\.toml:3: /,
  );
});

Deno.test("doctor on a running server: it holds its port and answers, and keeps serving while its database is read", async () => {
  await using folder = await ProgramFolder.make();
  await folder.configure(`[server]\nport = 0\nmax_connections = 100\n${POLICY}`);
  const port = await waitForPort(folder.serve());
  await folder.configure(`[server]\nport = ${port}\nmax_connections = 100\n${POLICY}`);
  const { code, stdout } = await folder.run(["doctor", "--json"]);
  const { ok, findings } = JSON.parse(stdout);
  const messageOf = (check: string) =>
    findings.find((each: { check: string }) => each.check === check)?.message;
  assert.deepEqual({ code, ok }, { code: 0, ok: true }, stdout);
  assert.match(messageOf("port"), /^our server \(process \d+\) listens at 127\.0\.0\.1:\d+$/);
  assert.match(messageOf("server"), /^process \d+, version \d+\.\d+\.\d+, since .* \d+ threads$/);
  assert.match(messageOf("database"), /without faults$/);
  assert.equal(
    (await fetch(`http://127.0.0.1:${port}/readyz`).then((answer) => answer.json())).status,
    "ready",
  );
});

Deno.test("doctor notices that another program has the port, exit 1", async () => {
  await using folder = await ProgramFolder.make();
  using other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await folder.configure(`[server]\nport = ${other.addr.port}\n${POLICY}`);
  const { code, stdout } = await folder.run(["doctor"]);
  assert.equal(code, 1);
  assert.match(
    stdout,
    /^problem +port: Cannot listen at .*another program listens there\. Stop it.*\. Unless systemd holds it/m,
  );
});

Deno.test("doctor notices a server that does not answer, and a process without a control socket", async () => {
  await using trial = await openTrial();
  const layout = makeData(trial);
  const lock = lockDirectory(layout.lock);
  const holder = await checkRunning(layout);
  assert.match(
    describeFinding(holder.finding),
    /^problem .*server: process \d+ holds .*lock and does not answer/,
  );
  using deaf = Deno.listen({ transport: "unix", path: layout.controlSocket });
  const { finding } = await checkRunning(layout, 100);
  assert.match(describeFinding(finding), /^problem .*server: .* does not answer within 0\.1 s\. /);
  assert.ok(deaf.addr, "it listens all the while");
  lock.release();
});

Deno.test("doctor holds the clock against ./config.toml too, which is read without -c", async () => {
  await using folder = await ProgramFolder.make();
  await folder.configure(POLICY);
  const ahead = new Date(Date.now() + 3_600_000);
  await Deno.utime(`${folder.path}/config.toml`, ahead, ahead);
  const { stdout } = await folder.run(["doctor"]);
  assert.match(stdout, /^problem +clock: it says .*, and config\.toml was written at /m);
});

Deno.test("doctor looks at the path of a unix socket as the start does", async () => {
  await using trial = await openTrial();
  await Deno.mkdir(trial.rootDir);
  const say = (path: string) => trial.examine(`[server.listener.a]\npath = "${path}"`, "port");
  assert.match(await say(`${trial.folder}/a.sock`), /^ok .* is free$/);
  assert.match(
    await say(`${trial.folder}/none/a.sock`),
    /^problem .*: its folder does not exist\. .*RuntimeDirectory=\)$/,
  );
  assert.match(await say(`${trial.rootDir}/control.sock`), /^problem .*: by that socket the commands /);
  assert.match(await say(`${trial.folder}/${"a".repeat(100)}`), /^problem .*: its path is too long/);
});

Deno.test("doctor has no server restarted that only another user may ask", () => {
  const cause = new Deno.errors.PermissionDenied("Permission denied (os error 13)");
  assert.match(
    adviceOn(new Error("Cannot reach the server at data/control.sock", { cause })),
    /^Run this as the server's user/,
  );
  assert.match(adviceOn(new Error("the server does not answer")), /restart it$/);
});

Deno.test("doctor counts how many files can be open, and closes them again", async () => {
  await using trial = await openTrial();
  const file = await trial.write("any", "");
  assert.equal(countOpenable(file, 50), 50);
  assert.ok(countOpenable(file, 10_000_000) < 10_000_000, "the limit ends it");
  assert.equal(countOpenable(file, 50), 50);
});

Deno.test("doctor looks at a registry with mTLS with the permissions that the program has", async () => {
  const clients = makeAuthority({ subject: "Clients" });
  await using registry = await startRegistry({ clientAuth: { caBundle: clients.pem }, config: POLICY });
  const config = `${dirname(registry.caFile)}/config.toml`;
  const { stdout } = await captureCommand([...await registryProgram(), "-c", config, "doctor"]);
  assert.doesNotMatch(stdout, /^problem/m, stdout);
  for (const check of ["server certificate", "client CAs", "data directory", "fsync", "database", "server"]) {
    assert.match(stdout, new RegExp(`^(ok|warning) +${check}: `, "m"), stdout);
  }
});
