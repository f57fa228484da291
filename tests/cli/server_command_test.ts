/** The server command: its start, its life, its end, and what its exit code says. */
import assert from "node:assert/strict";
import { inTries } from "../harness/tries.ts";
import { RawClient } from "../server/raw_client.ts";
import { ProgramFolder, waitForMessage, waitForPort } from "./run_program.ts";

const HEALTH = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
const ANY_PORT = "[server]\nport = 0\n";

Deno.test("without a configuration the server listens on loopback, allows everything, and says so with how to push", async () => {
  await using folder = await ProgramFolder.make();
  const server = folder.serve();
  const { url, note, root_dir } = await Promise.race([
    waitForMessage(server, "listening"),
    // Somebody else may have the built-in port on this machine.
    server.ended().then((): Record<string, unknown> => ({ url: "http://127.0.0.1:8000", ended: true })),
  ]);
  if (note === undefined) {
    assert.match(
      server.logLines.join("\n"),
      /Cannot listen at 127\.0\.0\.1:8000: another program listens there/,
    );
    return;
  }
  assert.equal(url, "http://127.0.0.1:8000");
  assert.match(String(note), /no configuration file: .* docker push 127\.0\.0\.1:8000\/NAME:TAG$/);
  assert.match(String(root_dir), /data$/);
  assert.ok((await Deno.stat(`${folder.path}/data`)).isDirectory);
  assert.equal((await server.stop()).code, 0);
});

Deno.test("./config.toml is used where it is, and status asks the server that runs on its data", async () => {
  await using folder = await ProgramFolder.make();
  await folder.configure(`[server]\nport = 0\nthreads = 2\n[blob_store.fs]\nroot_dir = "./store"\n`);
  const server = folder.serve();
  const port = await waitForPort(server);
  const { code, stdout } = await folder.run(["status"]);
  assert.equal(code, 0);
  const facts = new Map(stdout.trimEnd().split("\n").map((line) => line.split(": ") as [string, string]));
  assert.equal(facts.get("pid"), String(server.pid));
  assert.equal(facts.get("threads"), "2");
  assert.equal(facts.get("url"), `http://127.0.0.1:${port}`);
  const plain = JSON.parse((await folder.run(["status", "--json"])).stdout);
  assert.deepEqual([plain.pid, plain.threads, typeof plain.collect], [server.pid, 2, "object"]);
  assert.equal((await Deno.stat(`${folder.path}/store/control.sock`)).mode! & 0o777, 0o600);
  await Deno.remove(`${folder.path}/store/control.sock`);
  const silent = await folder.run(["status"]);
  assert.equal(silent.code, 1);
  assert.match(
    silent.stderr,
    /: process \d+ holds .*lock and does not answer\. Wait until it has started, or stop it\n$/,
  );
  assert.equal((await server.stop()).code, 0);
  assert.equal((await folder.run(["status"])).code, 1);
});

Deno.test("SIGTERM and SIGINT end the server in order: exit 0, and the log says stopped", async () => {
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    await using folder = await ProgramFolder.make();
    await folder.configure(ANY_PORT);
    const server = folder.serve();
    await waitForPort(server);
    server.kill(signal);
    assert.equal((await server.ended()).code, 0);
    const messages = server.logLines.filter((line) => line.startsWith("{")).map((line) =>
      JSON.parse(line).message
    );
    assert.deepEqual(messages.slice(-2), ["stopping", "stopped"]);
  }
});

Deno.test("SIGTERM lets a transfer under way end, closes idle connections, and refuses new ones", async () => {
  await using folder = await ProgramFolder.make();
  await folder.configure(ANY_PORT);
  const server = folder.serve();
  const port = await waitForPort(server);
  using idle = await RawClient.connect(port);
  await idle.send(HEALTH);
  await idle.readAnswer();
  using busy = await RawClient.connect(port);
  await busy.send(`POST /v2/a/blobs/uploads/ HTTP/1.1\r\nHost: a\r\n\r\n`);
  const location = (await busy.readAnswer()).headers.get("location");
  await busy.send(
    `PATCH ${location} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 6\r\n\r\n`,
  );
  assert.equal((await busy.readAnswer()).status, 100);
  await busy.send("abc");
  server.kill("SIGTERM");
  await idle.closedAfter();
  await refusedWithin(30_000, port);
  await busy.send("def");
  const answer = await busy.readAnswer();
  assert.deepEqual([answer.status, answer.headers.get("range")], [202, "0-5"]);
  assert.equal((await server.ended()).code, 0);
});

Deno.test(
  "a transfer that hangs is cut when the drain's time is over, and the exit code is 0",
  inTries(async () => {
    await using folder = await ProgramFolder.make();
    await folder.configure(`${ANY_PORT}drain_timeout = "1s"\n`);
    const server = folder.serve();
    using hanging = await RawClient.connect(await waitForPort(server));
    await hanging.send(
      `PUT /v2/a/manifests/b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 6\r\n` +
        `Content-Type: application/vnd.oci.image.manifest.v1+json\r\n\r\n`,
    );
    assert.equal((await hanging.readAnswer()).status, 100);
    const started = performance.now();
    server.kill("SIGTERM");
    assert.equal((await server.ended()).code, 0);
    assert.ok(performance.now() - started < 6000);
  }),
);

Deno.test("a second signal ends the server at once, exit 1", async () => {
  await using folder = await ProgramFolder.make();
  await folder.configure(ANY_PORT);
  const server = folder.serve();
  using hanging = await RawClient.connect(await waitForPort(server));
  await hanging.send(
    `PUT /v2/a/manifests/b HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 6\r\n` +
      `Content-Type: application/vnd.oci.image.manifest.v1+json\r\n\r\n`,
  );
  assert.equal((await hanging.readAnswer()).status, 100);
  server.kill("SIGTERM");
  await waitForMessage(server, "stopping");
  server.kill("SIGTERM");
  assert.equal((await server.ended()).code, 1);
});

Deno.test("SIGHUP during the start does not end the server, which reads its configuration again when it listens", async () => {
  await using folder = await ProgramFolder.make();
  await folder.configure(ANY_PORT);
  const server = folder.serve();
  await server.waitForLine(
    "a warning",
    (line) => line.includes("No access control is configured") || undefined,
  );
  server.kill("SIGHUP");
  await waitForPort(server);
  await waitForMessage(server, "configuration reloaded");
  assert.equal((await server.stop()).code, 0);
});

Deno.test("a second server on the same data directory is refused, naming the first: exit 1", async () => {
  await using folder = await ProgramFolder.make();
  await folder.configure(ANY_PORT);
  const first = folder.serve();
  const port = await waitForPort(first);
  const { code, stderr } = await folder.run(["server"]);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`another simple-registry \\(process ${first.pid}\\) holds .*`));
  using client = await RawClient.connect(port);
  await client.send(HEALTH);
  assert.equal((await client.readAnswer()).status, 200, "the first one serves on");
});

Deno.test("a data directory that cannot be used is named, with the key that says where it is: exit 1", async () => {
  await using folder = await ProgramFolder.make();
  await Deno.writeTextFile(`${folder.path}/file`, "");
  await folder.configure(`${ANY_PORT}[blob_store.fs]\nroot_dir = "./file/data"\n`);
  const { code, stderr } = await folder.run(["server"]);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^simple-registry: Cannot use data directory \.\/file\/data: Not a directory .* \(blob_store\.fs\.root_dir\)\n$/,
  );
});

Deno.test("a path of the data directory that is too long for the control socket is refused with what to do, exit 1", async () => {
  await using folder = await ProgramFolder.make();
  await folder.configure(`${ANY_PORT}[blob_store.fs]\nroot_dir = "./${"a".repeat(100)}"\n`);
  const { code, stderr } = await folder.run(["server"]);
  assert.equal(code, 1);
  assert.match(stderr, /a socket's path has at most 107 bytes, .* Choose a shorter root_dir/);
});

Deno.test(
  "a server restarts on its port although connections of the former one linger in the system",
  inTries(async () => {
    await using folder = await ProgramFolder.make();
    await folder.configure(ANY_PORT);
    const first = folder.serve();
    const port = await waitForPort(first);
    using client = await RawClient.connect(port);
    await client.send(HEALTH);
    await client.readAnswer();
    assert.equal((await first.stop()).code, 0);
    await client.closedAfter();
    await folder.configure(`[server]\nport = ${port}\n`);
    const second = folder.serve();
    assert.equal(await waitForPort(second), port);
    assert.equal((await second.stop()).code, 0);
  }),
);

/** The threads close their listeners one after the other, within moments: a connection may still be taken by the last. */
async function refusedWithin(ms: number, port: number): Promise<void> {
  const deadline = performance.now() + ms;
  while (performance.now() < deadline) {
    try {
      (await RawClient.connect(port))[Symbol.dispose]();
    } catch {
      return;
    }
  }
  assert.fail(`connections are still taken ${ms} ms after the signal`);
}

Deno.test("a port in use is named, with what to do: exit 1", async () => {
  await using folder = await ProgramFolder.make();
  using taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = taken.addr;
  await folder.configure(`[server]\nport = ${port}\n`);
  const { code, stderr } = await folder.run(["server"]);
  const message =
    `Cannot listen at 127.0.0.1:${port}: another program listens there. Stop it, or choose another [server] port`;
  assert.deepEqual({ code, stderr }, { code: 1, stderr: `simple-registry: ${message}\n` });
});

Deno.test("a data directory where the runtime lets nobody open a database is refused with what to do", async () => {
  await using folder = await ProgramFolder.make();
  const shared = await Deno.makeTempDir({ dir: "/dev/shm" });
  try {
    await folder.configure(`${ANY_PORT}[blob_store.fs]\nroot_dir = "${shared}/data"\n`);
    const { code, stderr } = await folder.run(["server"]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      /^simple-registry: Cannot use data directory \/dev\/shm\/.*: the runtime lets no program use/,
    );
  } finally {
    await Deno.remove(shared, { recursive: true });
  }
});
