/** Clients that go away in the middle of something, politely or not. */
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { until } from "../harness/until.ts";
import { LoneServer } from "./lone_server.ts";
import { RawClient } from "./raw_client.ts";
import { testBoth, TestServer } from "./test_server.ts";

const HOST = "Host: registry.test\r\n";
const MIB = 1024 * 1024;

testBoth(
  "a client that closes in the middle of an upload is noticed, at every point of it",
  async (secure) => {
    await using server = await TestServer.start({ secure });
    const length = 4 * MIB;
    const requests = () => server.log.records.filter(({ message }) => message === "request");
    for (const [i, part] of [0, 0.01, 0.5, 0.99].entries()) {
      const client = await server.connect();
      await client.send(`PUT /read HTTP/1.1\r\n${HOST}Content-Length: ${length}\r\n\r\n`);
      await client.send(new Uint8Array(length * part));
      await server.echo.sees(i + 1);
      client.close();
      await until(() => requests().length === i + 1);
    }
    assert.deepEqual(requests().map(({ fields }) => [fields.status, fields.cut]), Array(4).fill([499, true]));
    await until(() => server.server.connections === 0);
  },
);

testBoth("a client that went away before the handler began to read is noticed", async (secure) => {
  await using server = await TestServer.start({ secure, limits: { minimumBodyRate: 0 } });
  const client = await server.connect();
  await client.send(`PUT /stuck HTTP/1.1\r\n${HOST}Content-Length: 100\r\n\r\nabc`);
  await server.echo.sees(1);
  client.close();
  // A plain socket tells at once, a TLS socket that is held back only when the handler reads.
  if (!secure) await until(() => server.server.connections === 0);
  server.echo.gate.resolve();
  const { fields } = await server.log.find(({ message }) => message === "request");
  assert.equal(fields.status, 499);
  await until(() => server.server.connections === 0);
});

Deno.test("a client that reset the connection before the handler began to read is noticed", async () => {
  await using server = await TestServer.start({ limits: { minimumBodyRate: 0 } });
  const socket = connect(server.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(`PUT /stuck HTTP/1.1\r\n${HOST}Content-Length: 100\r\n\r\nabc`);
  await server.echo.sees(1);
  socket.resetAndDestroy();
  await until(() => server.server.connections === 0);
  server.echo.gate.resolve();
  const { fields } = await server.log.find(({ message }) => message === "request");
  assert.equal(fields.status, 499);
});

testBoth("a client that ends its side in the middle of a body is answered 400 or cut", async (secure) => {
  await using server = await TestServer.start({ secure });
  using client = await server.connect();
  await client.send(`PUT /read HTTP/1.1\r\n${HOST}Content-Length: 100\r\n\r\nabc`);
  await client.finishSending();
  assert.match(await client.readToEnd(), /^(HTTP\/1\.1 400 [^]*)?$/);
  const { fields } = await server.log.find(({ message }) => message === "request");
  assert.equal(fields.status, 499);
});

testBoth(
  "a client that closes in the middle of a download ends it, and its body is released",
  async (secure) => {
    await using server = await TestServer.start({ secure });
    for (const target of ["/stream?n=100000000", "/bytes?n=100000000"]) {
      const client = await server.connect();
      await client.send(`GET ${target} HTTP/1.1\r\n${HOST}\r\n`);
      await client.skip(MIB);
      client.close();
      const { fields } = await server.log.find(({ fields }) => target.startsWith(`${fields.path}?`));
      assert.equal(fields.cut, true);
      assert.ok(Number(fields.bytes) < 100_000_000);
    }
    assert.equal(server.echo.openBodies, 0);
  },
);

Deno.test("a client that went away before its answer was ready releases the body", async () => {
  await using server = await TestServer.start({
    handle: async (request) => {
      await server.echo.gate.promise;
      return await server.echo.handle(request);
    },
  });
  const socket = connect(server.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(`GET /stream?n=100000000 HTTP/1.1\r\n${HOST}\r\n`);
  await until(() => server.server.connections === 1);
  socket.resetAndDestroy();
  await until(() => server.server.connections === 0);
  server.echo.gate.resolve();
  const { fields } = await server.log.find(({ message }) => message === "request");
  assert.deepEqual([fields.bytes, fields.cut], [0, true]);
  assert.equal(server.echo.openBodies, 0);
});

Deno.test("a reset at any moment harms nobody else", async () => {
  await using server = await TestServer.start();
  const moments: Readonly<Record<string, (socket: Socket) => Promise<void>>> = {
    "after connecting": async () => {},
    "within a head": async (socket) => void socket.write("GET /x HT"),
    "within a body": async (socket) => {
      socket.write(`PUT /read HTTP/1.1\r\n${HOST}Content-Length: 100\r\n\r\nabc`);
      await server.echo.sees(1);
    },
    "within an answer": async (socket) => {
      socket.write(`GET /stream?n=100000000 HTTP/1.1\r\n${HOST}\r\n`);
      await new Promise((resolve) => socket.once("data", resolve));
    },
    "while idle": async (socket) => {
      socket.write(`GET /x HTTP/1.1\r\n${HOST}\r\n`);
      await new Promise((resolve) => socket.once("data", resolve));
    },
  };
  for (const [moment, lead] of Object.entries(moments)) {
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    await new Promise((resolve) => socket.once("connect", resolve));
    await lead(socket);
    socket.resetAndDestroy();
    await until(() => server.server.connections === 0);
    assert.equal((await server.ask(`GET /x HTTP/1.1\r\n${HOST}\r\n`)).status, 200, moment);
    await until(() => server.server.connections === 0);
  }
  assert.equal(server.echo.openBodies, 0);
});

testBoth(
  "2,000 broken off requests leave no socket, no file descriptor and no memory behind",
  async (secure) => {
    await using server = await LoneServer.start(secure);
    // Handshakes take most of the time.
    const total = secure ? 400 : 2000;
    const breakOff = async (i: number): Promise<void> => {
      using client = await RawClient.connect(server.port, server.caPem);
      const requests = [
        `PUT /read HTTP/1.1\r\n${HOST}Content-Length: 100000\r\n\r\n${"a".repeat(i % 50_000)}`,
        `GET /stream?n=10000000 HTTP/1.1\r\n${HOST}\r\n`,
        `PUT /refuse HTTP/1.1\r\n${HOST}Content-Length: 100000\r\n\r\nabc`,
        "GET /x HTTP/1.1\r\nX-A",
      ];
      await client.send(requests[i % requests.length]!);
    };
    for (let i = 0; i < 40; i++) await breakOff(i);
    const before = server.countFileDescriptors();
    for (let i = 0; i < total; i += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, j) => breakOff(i + j)));
    }
    // A handful is the runtime's own; a leak would be of hundreds.
    await until(() => server.countFileDescriptors() < before + 10);
    const { now } = await server.readMemory();
    assert.ok(now < 300 * MIB, `the process has ${Math.round(now / MIB)} MiB`);
  },
);
