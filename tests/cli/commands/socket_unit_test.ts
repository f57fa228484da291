/** The socket unit that `systemd-unit --socket` prints. */
import assert from "node:assert/strict";
import { writeSocketUnit } from "../../../src/cli/commands/socket_unit.ts";
import { writeUnit } from "../../../src/cli/commands/systemd_unit.ts";
import { load } from "../../config/load_text.ts";
import { captureCommand } from "../../harness/run_command.ts";
import { testWith } from "../../harness/real_clients.ts";

const linesOf = (text: string, key: string): string[] =>
  text.split("\n").filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));

const SEVERAL = load(
  '[server.listener.web]\nbind_address = "::1"\nport = 443\n[server.listener.proxy]\npath = "/run/reg/s"\nmode = "0600"',
);

Deno.test("a port has a socket for each thread, which share it, and a unix socket is one with its permissions", () => {
  const web = writeSocketUnit(SEVERAL, "web", 2);
  assert.deepEqual(linesOf(web, "ListenStream"), ["[::1]:443", "[::1]:443"]);
  assert.deepEqual(linesOf(web, "ReusePort"), ["yes"]);
  assert.deepEqual(linesOf(web, "FileDescriptorName"), ["web"]);
  const proxy = writeSocketUnit(SEVERAL, "proxy", 2);
  assert.deepEqual(linesOf(proxy, "ListenStream"), ["/run/reg/s"]);
  assert.deepEqual(linesOf(proxy, "SocketMode"), ["0600"]);
  assert.match(proxy, /simple-registry-proxy\.socket/);
});

Deno.test("of several listeners one is to be named, and of one none need be", () => {
  assert.throws(() => writeSocketUnit(SEVERAL, undefined, 2), /--listener is one of web, proxy/);
  assert.throws(() => writeSocketUnit(SEVERAL, "x", 2), /--listener is one of web, proxy/);
  assert.throws(() => writeSocketUnit(load(""), "x", 2), /--listener needs a \[server\.listener\]/);
  assert.deepEqual(linesOf(writeSocketUnit(load(""), undefined, 1), "ListenStream"), ["127.0.0.1:8000"]);
});

testWith({ programs: ["systemd-analyze"] })("systemd takes the socket units without a word", async () => {
  const folder = await Deno.makeTempDir();
  const settings = load(
    '[server.listener.web]\nbind_address = "::1"\nport = 443\n[server.listener.local]\npath = "/run/a b/%s"\n' +
      '[blob_store.fs]\nroot_dir = "/var/lib/r"\n',
  );
  const service = writeUnit({ settings, configFiles: [], namedFiles: [], program: "/bin/true" });
  await Deno.writeTextFile(`${folder}/simple-registry.service`, service);
  await Deno.writeTextFile(
    `${folder}/simple-registry-web.socket`,
    writeSocketUnit(settings, "web", 3),
  );
  await Deno.writeTextFile(
    `${folder}/simple-registry-local.socket`,
    writeSocketUnit(settings, "local", 3),
  );
  const { code, stderr } = await captureCommand([
    "systemd-analyze",
    "verify",
    `${folder}/simple-registry-web.socket`,
    `${folder}/simple-registry-local.socket`,
    `${folder}/simple-registry.service`,
  ]);
  assert.deepEqual([code, stderr], [0, ""]);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("the folder of a unix socket is made by systemd below /run, and writable elsewhere", () => {
  const facts = { configFiles: [], namedFiles: [], program: undefined };
  assert.deepEqual(linesOf(writeUnit({ ...facts, settings: SEVERAL }), "RuntimeDirectory"), ["reg"]);
  const elsewhere = load('[server.listener.a]\npath = "/srv/sockets/s"');
  assert.ok(
    linesOf(writeUnit({ ...facts, settings: elsewhere }), "ReadWritePaths").includes("/srv/sockets"),
  );
});
