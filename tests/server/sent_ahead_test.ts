/** What a client sends ahead of its answers, and what becomes of it where it is never served. */
import assert from "node:assert/strict";
import { inTries } from "../harness/tries.ts";
import { until } from "../harness/until.ts";
import { LoneServer } from "./lone_server.ts";
import { RawClient } from "./raw_client.ts";
import { testBoth, TestServer } from "./test_server.ts";

const HOST = "Host: registry.test\r\n";
const TRANSFER = 64 * 1024 * 1024;

/** Its answer is under way for as long as a test wants. */
const WAITING = `GET /wait HTTP/1.1\r\n${HOST}\r\n`;

/** Refused by its head, after which nothing is served on the connection. */
const LAST = `GET /last HTTP/1.1\r\n${HOST}Expect: something\r\n\r\n`;

testBoth(
  "requests that were sent ahead are not counted for ever when their client goes away",
  async (secure) => {
    await using server = await TestServer.start({ secure });
    {
      using client = await server.connect();
      await client.send(WAITING + `DELETE /x HTTP/1.1\r\n${HOST}\r\n`.repeat(5));
      await server.echo.sees(1);
    }
    server.echo.gate.resolve();
    await until(() => server.server.connections === 0);
    const inFlight = () => server.metrics.read().get("requests_in_flight")![0]!.numbers[0];
    await until(() => inFlight() === 0, () => `${inFlight()} in flight`);
  },
);

testBoth("a connection on which requests were sent ahead serves on", async (secure) => {
  await using server = await TestServer.start({ secure });
  using client = await server.connect();
  const upload = `PUT /read HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`;
  await client.send(`${WAITING}GET /a HTTP/1.1\r\n${HOST}\r\n${upload}GET /b HTTP/1.1\r\n${HOST}\r\n`);
  await server.echo.sees(1);
  server.echo.gate.resolve();
  const bodies = [];
  for (let i = 0; i < 4; i++) bodies.push((await client.readAnswer()).body);
  await client.send(upload);
  bodies.push((await client.readAnswer()).body);
  assert.deepEqual(bodies, ["waited", "GET /a", "read 3", "GET /b", "read 3"]);
});

/** To a client that does not read it. */
const SLOW = `GET /stream?n=${TRANSFER} HTTP/1.1\r\n${HOST}\r\n`;

const ENDLESS: Readonly<Record<string, readonly [first: string, start: string, piece: string]>> = {
  "of long requests ahead of a slow answer": [SLOW, "", `GET /${"x".repeat(30_000)} HTTP/1.1\r\n${HOST}\r\n`],
  "of requests where nothing more is served": [WAITING + LAST, "", `GET /x HTTP/1.1\r\n${HOST}\r\n`],
  "of one request's body where nothing more is served": [
    WAITING + LAST,
    `PUT /x HTTP/1.1\r\n${HOST}Content-Length: ${TRANSFER}\r\n\r\n`,
    "x",
  ],
  "of what nobody can parse behind a request": [WAITING, "", "\0 garbage "],
};

for (const [what, [first, start, piece]] of Object.entries(ENDLESS)) {
  testBoth(
    `a stream ${what} is not taken in`,
    inTries(async (secure) => {
      await using server = await LoneServer.start(secure);
      using client = await RawClient.connect(server.port, server.caPem);
      await client.send(first + start);
      const bytes = piece.repeat(Math.ceil(64 * 1024 / piece.length));
      let sent = 0;
      const sending = (async () => {
        for (; sent < TRANSFER; sent += bytes.length) await client.send(bytes);
      })().catch(() => {});
      // Until it is cut, or gets rid of nothing more.
      for (let last = -1; last !== sent;) {
        last = sent;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      assert.ok(sent < TRANSFER / 4, `the client got rid of ${sent} bytes`);
      client.close();
      await sending;
    }),
  );
}
