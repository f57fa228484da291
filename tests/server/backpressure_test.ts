/** Memory under clients that are faster than the handler, and under clients that are slower than it. */
import assert from "node:assert/strict";
import { inTries } from "../harness/tries.ts";
import { LoneServer } from "./lone_server.ts";
import { RawClient } from "./raw_client.ts";
import { testBoth } from "./test_server.ts";

const HOST = "Host: registry.test\r\n";
const MIB = 1024 * 1024;
const TRANSFER = 256 * MIB;

/** Growth of the process that a transfer may cause. */
const MOST_GROWTH = 64 * MIB;

testBoth(
  "an upload that nobody reads stops at the client, and goes on to its end when somebody does",
  inTries(async (secure) => {
    await using server = await LoneServer.start(secure);
    const before = await settle(server);
    using client = await RawClient.connect(server.port, server.caPem);
    const upload = sendUpload(client, "/stuck");
    await upload.stands();
    assert.ok(upload.sent < TRANSFER / 2, `the client got rid of ${upload.sent} bytes`);
    const { peak } = await server.readMemory();
    assert.ok(peak - before < MOST_GROWTH, `memory grew by ${toMib(peak - before)} MiB`);

    using other = await RawClient.connect(server.port, server.caPem);
    await other.send(`GET /open HTTP/1.1\r\n${HOST}\r\n`);
    assert.equal((await other.readAnswer()).body, "opened");
    await upload.done;
    assert.equal((await client.readAnswer()).body, `read ${TRANSFER}`);
  }),
);

testBoth(
  "an upload to a slow handler keeps memory small",
  inTries(async (secure) => {
    await using server = await LoneServer.start(secure);
    const before = await settle(server);
    using client = await RawClient.connect(server.port, server.caPem);
    await sendUpload(client, "/slow?n=4").done;
    assert.equal((await client.readAnswer()).body, `read ${TRANSFER}`);
    const { peak } = await server.readMemory();
    assert.ok(peak - before < MOST_GROWTH, `memory grew by ${toMib(peak - before)} MiB`);
  }),
);

testBoth(
  "a download to a client that does not read keeps memory small, and goes on to its end",
  inTries(async (secure) => {
    await using server = await LoneServer.start(secure);
    const before = await settle(server);
    const clients = await Promise.all(
      Array.from({ length: 4 }, () => RawClient.connect(server.port, server.caPem)),
    );
    for (const client of clients) await client.send(`GET /stream?n=${TRANSFER} HTTP/1.1\r\n${HOST}\r\n`);
    await new Promise((resolve) => setTimeout(resolve, 500));
    const { peak } = await server.readMemory();
    assert.ok(peak - before < MOST_GROWTH, `memory grew by ${toMib(peak - before)} MiB`);
    for (const client of clients.slice(1)) client.close();
    await clients[0]!.readAnswer({ headOnly: true });
    assert.equal(await clients[0]!.skip(TRANSFER), TRANSFER);
    clients[0]!.close();
  }),
);

testBoth(
  "a 300 MB upload that is refused early gets its answer, costs little memory and is ended",
  inTries(async (secure) => {
    await using server = await LoneServer.start(secure);
    const before = await settle(server);
    using client = await RawClient.connect(server.port, server.caPem);
    const length = 300_000_000;
    await client.send(`PUT /refuse HTTP/1.1\r\n${HOST}Content-Length: ${length}\r\n\r\n`);
    const chunk = new Uint8Array(MIB);
    // This client looks at the answer only after it has sent all.
    for (let left = length; left > 0; left -= chunk.length) {
      await client.send(left < chunk.length ? chunk.subarray(0, left) : chunk);
    }
    const { status, headers } = await client.readAnswer();
    assert.equal(status, 403);
    assert.equal(headers.get("connection"), "close");
    await client.closedAfter();
    const { peak } = await server.readMemory();
    assert.ok(peak - before < MOST_GROWTH, `memory grew by ${toMib(peak - before)} MiB`);
  }),
);

/** Memory of a server that has answered its first requests. */
async function settle(server: LoneServer): Promise<number> {
  using client = await RawClient.connect(server.port, server.caPem);
  for (let i = 0; i < 20; i++) {
    await client.send(`GET /stream?n=${MIB} HTTP/1.1\r\n${HOST}\r\n`);
    await client.readAnswer();
    await client.send(`PUT /read HTTP/1.1\r\n${HOST}Content-Length: ${MIB}\r\n\r\n`);
    await client.send(new Uint8Array(MIB));
    await client.readAnswer();
  }
  await server.forgetPeak();
  return (await server.readMemory()).now;
}

function sendUpload(client: RawClient, target: string) {
  const upload = {
    sent: 0,
    done: Promise.resolve(),
    /** Resolves when the client could get rid of nothing more for half a second. */
    async stands(): Promise<void> {
      for (let last = -1; last !== upload.sent;) {
        last = upload.sent;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    },
  };
  upload.done = (async () => {
    await client.send(`PUT ${target} HTTP/1.1\r\n${HOST}Content-Length: ${TRANSFER}\r\n\r\n`);
    const chunk = new Uint8Array(256 * 1024);
    for (; upload.sent < TRANSFER; upload.sent += chunk.length) await client.send(chunk);
  })();
  return upload;
}

function toMib(bytes: number): number {
  return Math.round(bytes / MIB);
}
