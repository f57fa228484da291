/** The orderly end of a listener: what is under way ends, what idles is closed, what hangs is cut. */
import assert from "node:assert/strict";
import { inTries } from "../harness/tries.ts";
import { until } from "../harness/until.ts";
import { RawClient } from "./raw_client.ts";
import { testBoth, TestServer } from "./test_server.ts";

const HOST = "Host: registry.test\r\n";
const MIB = 1024 * 1024;

testBoth(
  "a drain closes idle connections at once: used, and within another head",
  inTries(async (secure) => {
    await using server = await TestServer.start({ secure });
    const [used, within] = await Promise.all([server.connect(), server.connect()]);
    await used.send(`GET /x HTTP/1.1\r\n${HOST}\r\n`);
    await used.readAnswer();
    await within.send(`GET /x HTTP/1.1\r\n${HOST}\r\n`);
    await within.readAnswer();
    await within.send("GET /y HTT");
    const started = performance.now();
    await server.server.drain(10_000);
    for (const client of [used, within]) {
      await client.closedAfter();
      client.close();
    }
    assert.ok(performance.now() - started < 1000);
    assert.equal(server.server.connections, 0);
  }),
);

testBoth(
  "a drain lets a new connection have its first request answered, and does not wait long for one without",
  inTries(async (secure) => {
    await using server = await TestServer.start({ secure });
    const [asking, silent] = await Promise.all([server.connect(), server.connect()]);
    // A thread counts a connection when it has it.
    await until(() => server.server.connections === 2);
    const started = performance.now();
    const drained = server.server.drain(10_000);
    await asking.send(`GET /x HTTP/1.1\r\n${HOST}\r\n`);
    const { status, headers } = await asking.readAnswer();
    assert.deepEqual([status, headers.get("connection")], [200, "close"]);
    await drained;
    assert.ok(performance.now() - started < 5000);
    for (const client of [asking, silent]) {
      await client.closedAfter();
      client.close();
    }
  }),
);

Deno.test(
  "a drain closes handshakes that are under way and do not go on",
  inTries(async () => {
    await using server = await TestServer.start({ secure: true });
    using halfOpen = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
    await halfOpen.write(Uint8Array.of(0x16, 3, 1));
    using client = await server.connect();
    await client.send(`GET /x HTTP/1.1\r\n${HOST}\r\n`);
    await client.readAnswer();
    const started = performance.now();
    await server.server.drain(10_000);
    assert.ok(performance.now() - started < 5000);
    assert.equal(await halfOpen.read(new Uint8Array(1)).catch(() => null), null);
  }),
);

testBoth(
  "a drain refuses new connections, and answers what is under way, with Connection: close",
  async (secure) => {
    await using server = await TestServer.start({ secure });
    using client = await server.connect();
    await client.send(`GET /wait HTTP/1.1\r\n${HOST}\r\n`);
    await server.echo.sees(1);
    const drained = server.server.drain(10_000);
    await assert.rejects(server.connect(), "a new connection");
    server.echo.gate.resolve();
    const { headers, body } = await client.readAnswer();
    assert.equal(body, "waited");
    assert.equal(headers.get("connection"), "close");
    await drained;
    await client.closedAfter();
  },
);

testBoth(
  "transfers under way end whole during a drain, whatever their answers said of the connection",
  async (secure) => {
    await using server = await TestServer.start({ secure });
    const size = 24 * MIB;
    const [download, buffered, upload] = await Promise.all([
      server.connect(),
      server.connect(),
      server.connect(),
    ]);
    await download.send(`GET /stream?n=${size} HTTP/1.1\r\n${HOST}\r\n`);
    await buffered.send(`GET /bytes?n=${size} HTTP/1.1\r\n${HOST}\r\n`);
    await upload.send(`PUT /read HTTP/1.1\r\n${HOST}Content-Length: ${size}\r\n\r\n`);
    await upload.send(new Uint8Array(size / 2));
    for (const client of [download, buffered]) {
      assert.equal((await client.readAnswer({ headOnly: true })).headers.get("connection"), "keep-alive");
    }
    const drained = server.server.drain(60_000);
    await upload.send(new Uint8Array(size / 2));
    assert.equal((await upload.readAnswer()).body, `read ${size}`);
    for (const client of [download, buffered]) {
      assert.equal(await readSlowly(client, size), size);
    }
    await drained;
    for (const client of [download, buffered, upload]) client.close();
  },
);

testBoth(
  "what hangs is cut when the time of a drain is over",
  inTries(async (secure) => {
    await using server = await TestServer.start({ secure });
    const [waiting, uploading, reading] = await Promise.all([
      server.connect(),
      server.connect(),
      server.connect(),
    ]);
    await waiting.send(`GET /wait HTTP/1.1\r\n${HOST}\r\n`);
    await uploading.send(`PUT /read HTTP/1.1\r\n${HOST}Content-Length: 100\r\n\r\nabc`);
    await reading.send(`GET /stream?n=${100 * MIB} HTTP/1.1\r\n${HOST}\r\n`);
    await server.echo.sees(3);
    const started = performance.now();
    await server.server.drain(300);
    const ms = performance.now() - started;
    assert.ok(ms >= 290 && ms < 2000, `drained after ${ms} ms`);
    for (const client of [waiting, uploading, reading]) {
      await client.skip(Infinity);
      client.close();
    }
    assert.equal(server.server.connections, 0);
  }),
);

testBoth("a drain can be asked for twice, and of a server without connections", async (secure) => {
  await using server = await TestServer.start({ secure });
  await Promise.all([server.server.drain(1000), server.server.drain(1000)]);
  await assert.rejects(RawClient.connect(server.port));
});

async function readSlowly(client: RawClient, size: number): Promise<number> {
  let got = 0;
  for (let step = -1; got < size && step !== 0; got += step) {
    step = await client.skip(Math.min(size - got, 256 * 1024));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  return got;
}
