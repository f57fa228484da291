/** What systemd hears of the server, over a real datagram socket. */
import assert from "node:assert/strict";
import { findServiceManager } from "../../src/server/service_manager.ts";
import { registryProgram } from "../harness/start_registry.ts";
import { inTries } from "../harness/tries.ts";
import { ProgramFolder } from "./run_program.ts";

/** With the permissions that the program has with people, not with every one. */
const PROGRAM = await registryProgram();

/** The end that systemd has. */
class Listener implements Disposable {
  readonly #socket: Deno.DatagramConn;

  constructor(path: string) {
    this.#socket = Deno.listenDatagram({ transport: "unixpacket", path });
  }

  async next(): Promise<string> {
    const [bytes] = await this.#socket.receive(new Uint8Array(4096));
    return new TextDecoder().decode(bytes);
  }

  /** The next message that is not a heartbeat. */
  async nextState(): Promise<string> {
    while (true) {
      const message = await this.next();
      if (message !== "WATCHDOG=1") return message;
    }
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}

async function follow(socket: string, name: string): Promise<void> {
  await using folder = await ProgramFolder.make();
  await folder.configure('[server]\nport = 0\n[blob_store.fs]\nroot_dir = "data"\n');
  using systemd = new Listener(socket);
  const server = folder.serve(["server"], PROGRAM, { NOTIFY_SOCKET: name, WATCHDOG_USEC: "200000" });
  // One that cannot start fails the test instead of keeping it waiting.
  await server.waitForLine("its start", (line) => line.includes('"listening"') || undefined);
  assert.match(await systemd.nextState(), /^READY=1\nSTATUS=serving http:\/\/127\.0\.0\.1:\d+$/);
  assert.equal(await systemd.next(), "WATCHDOG=1");
  assert.equal(await systemd.next(), "WATCHDOG=1");
  server.kill("SIGHUP");
  assert.equal(await systemd.nextState(), "RELOADING=1");
  assert.match(await systemd.nextState(), /^READY=1\n/);
  const stopped = server.stop();
  assert.match(await systemd.nextState(), /^STOPPING=1\nSTATUS=/);
  assert.equal((await stopped).code, 0);
}

Deno.test("systemd hears when the server is ready, reloads, lives and stops", async () => {
  const folder = await Deno.makeTempDir();
  await follow(`${folder}/notify`, `${folder}/notify`);
  await Deno.remove(folder, { recursive: true });
});

Deno.test("a socket in the abstract namespace is reached as well", () => {
  const name = `simple-registry-${crypto.randomUUID()}`;
  return follow(`\0${name}`, `@${name}`);
});

Deno.test(
  "a heartbeat ends while the server does not answer itself",
  inTries(async () => {
    await using folder = await ProgramFolder.make();
    await folder.configure('[server]\nport = 0\n[blob_store.fs]\nroot_dir = "data"\n');
    const socket = `${folder.path}/notify`;
    using systemd = new Listener(socket);
    const server = folder.serve(["server"], PROGRAM, { NOTIFY_SOCKET: socket, WATCHDOG_USEC: "200000" });
    await server.waitForLine("its start", (line) => line.includes('"listening"') || undefined);
    assert.match(await systemd.next(), /^READY=1\n/);
    assert.equal(await systemd.next(), "WATCHDOG=1");
    server.kill("SIGSTOP");
    let beats = 0;
    const silence = Promise.withResolvers<void>();
    let timer = setTimeout(() => silence.resolve(), 1000);
    const heard = systemd.next().then(async function count(message): Promise<void> {
      if (message !== "WATCHDOG=1") return;
      beats++;
      clearTimeout(timer);
      timer = setTimeout(() => silence.resolve(), 1000);
      await systemd.next().then(count);
    });
    await silence.promise;
    assert.ok(beats <= 2, `${beats} heartbeats of a stopped process`);
    server.kill("SIGCONT");
    await server.stop();
    await heard;
  }),
);

Deno.test("a server whose manager cannot be reached serves all the same, and says so once", async () => {
  await using folder = await ProgramFolder.make();
  await folder.configure('[server]\nport = 0\n[blob_store.fs]\nroot_dir = "data"\n');
  const server = folder.serve(["server"], PROGRAM, {
    NOTIFY_SOCKET: `${folder.path}/nobody`,
    WATCHDOG_USEC: "20000",
  });
  await server.waitForLine("the warning", (line) => line.includes("systemd does not hear") || undefined);
  await server.waitForLine("its start", (line) => line.includes('"listening"') || undefined);
  assert.equal((await server.stop()).code, 0);
  assert.equal(server.logLines.filter((line) => line.includes("systemd does not hear")).length, 1);
});

Deno.test("findServiceManager() takes what systemd sets and nothing else", () => {
  const find = (env: Record<string, string>) => findServiceManager((name) => env[name], 42);
  assert.equal(find({}), undefined);
  for (const name of ["", "/", "@", "run/notify", "vsock:2:1234"]) {
    assert.equal(find({ NOTIFY_SOCKET: name }), undefined, name);
  }
  assert.deepEqual(find({ NOTIFY_SOCKET: "/run/n" }), { socket: "/run/n", watchdogMs: undefined });
  assert.deepEqual(find({ NOTIFY_SOCKET: "@n", WATCHDOG_USEC: "30000000", WATCHDOG_PID: "42" }), {
    socket: "\0n",
    watchdogMs: 30_000,
  });
  for (const usec of ["", "0", "-1", "soon", "1e400"]) {
    assert.equal(find({ NOTIFY_SOCKET: "/run/n", WATCHDOG_USEC: usec })!.watchdogMs, undefined, usec);
  }
  assert.equal(
    find({ NOTIFY_SOCKET: "/n", WATCHDOG_USEC: "1000", WATCHDOG_PID: "41" })!.watchdogMs,
    undefined,
  );
});
