/** What a client may take of time: handshake, head, body, idleness, and an answer that it does not read. */
import assert from "node:assert/strict";
import { inTries } from "../harness/tries.ts";
import { until } from "../harness/until.ts";
import type { RawClient } from "./raw_client.ts";
import { testBoth, TestServer } from "./test_server.ts";

const HOST = "Host: registry.test\r\n";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends `piece` again and again until the server ends the connection or `until` is reached. */
async function trickle(client: RawClient, piece: string, everyMs: number, until = Infinity): Promise<void> {
  const end = performance.now() + until;
  while (performance.now() < end) {
    await pause(everyMs);
    try {
      await client.send(piece);
    } catch {
      return;
    }
  }
}

testBoth(
  "a head that comes byte by byte is answered 408 and cut, also the second one of a connection",
  inTries(async (secure) => {
    await using server = await TestServer.start({ secure, limits: { headersTimeoutMs: 300 } });
    for (const first of ["", `GET /x HTTP/1.1\r\n${HOST}\r\n`]) {
      using client = await server.connect();
      await client.send(first);
      if (first !== "") await client.readAnswer();
      await client.send("GET /x HTTP/1.1\r\nX-Slow: ");
      const started = performance.now();
      const trickling = trickle(client, "a", 50);
      const { status, body } = await client.readAnswer();
      assert.equal(status, 408);
      assert.match(JSON.parse(body).errors[0].message, /the head of the request/);
      await client.readToEnd();
      assert.ok(performance.now() - started < 2000);
      client.close();
      await trickling;
    }
  }),
);

testBoth(
  "a connection that says nothing is ended",
  inTries(async (secure) => {
    await using server = await TestServer.start({ secure, limits: { headersTimeoutMs: 300 } });
    using client = await server.connect();
    const started = performance.now();
    await client.readToEnd();
    assert.ok(performance.now() - started < 2000);
  }),
);

testBoth(
  "a connection lives on beyond the time for a head while requests come",
  inTries(async (secure) => {
    await using server = await TestServer.start({
      secure,
      limits: { headersTimeoutMs: 200, idleTimeoutMs: 400 },
    });
    using client = await server.connect();
    for (let i = 0; i < 6; i++) {
      await client.send(`GET /${i} HTTP/1.1\r\n${HOST}\r\n`);
      assert.equal((await client.readAnswer()).body, `GET /${i}`);
      await pause(150);
    }
  }),
);

Deno.test(
  "50 open handshakes keep nobody waiting, and are gone after their time",
  inTries(async () => {
    await using server = await TestServer.start({ secure: true, limits: { handshakeTimeoutMs: 500 } });
    const halfOpen = await Promise.all(
      Array.from({ length: 50 }, () => Deno.connect({ hostname: "127.0.0.1", port: server.port })),
    );
    // The first bytes of a ClientHello.
    await Promise.all(halfOpen.map((connection) => connection.write(Uint8Array.of(0x16, 3, 1, 2, 0, 1))));
    using client = await server.connect();
    const started = performance.now();
    await client.send(`GET /x HTTP/1.1\r\n${HOST}\r\n`);
    assert.equal((await client.readAnswer()).status, 200);
    assert.ok(performance.now() - started < 100, `it took ${performance.now() - started} ms`);
    const ends = await Promise.all(
      halfOpen.map((connection) => connection.read(new Uint8Array(10)).catch(() => null)),
    );
    assert.ok(performance.now() - started < 3000);
    assert.deepEqual(ends, halfOpen.map(() => null));
    halfOpen.forEach((connection) => connection.close());
    assert.equal(server.server.connections, 1);
  }),
);

testBoth(
  "a body below the minimum rate is answered 408 and cut",
  inTries(async (secure) => {
    await using server = await TestServer.start({
      secure,
      limits: { minimumBodyRate: 1000, bodyWindowMs: 400 },
    });
    using client = await server.connect();
    await client.send(`PUT /read HTTP/1.1\r\n${HOST}Content-Length: 100000\r\n\r\n`);
    const trickling = trickle(client, "a", 20);
    const { status, headers, body } = await client.readAnswer();
    assert.equal(status, 408);
    assert.equal(headers.get("connection"), "close");
    assert.match(
      JSON.parse(body).errors[0].message,
      /^Cannot wait longer for the body: \d+ bytes came in 400 ms, at least 400 are expected/,
    );
    await client.readToEnd();
    client.close();
    await trickling;
  }),
);

testBoth("the minimum rate holds for chunk extensions and trailers, which are no body", async (secure) => {
  await using server = await TestServer.start({
    secure,
    limits: { minimumBodyRate: 1000, bodyWindowMs: 300 },
  });
  for (const start of ["3;", "3\r\nabc\r\n0\r\nX-Trailer: "]) {
    using client = await server.connect();
    await client.send(`PUT /read HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${start}`);
    const trickling = trickle(client, "a".repeat(100), 10);
    const answer = await client.readToEnd();
    assert.match(answer, /^HTTP\/1\.1 4\d\d /, start);
    client.close();
    await trickling;
  }
});

testBoth("a body of many tiny pieces is refused before it keeps the thread from others", async (secure) => {
  await using server = await TestServer.start({ secure });
  const tiny = "1\r\na\r\n".repeat(20_000);
  for (const target of ["/read", "/refuse"]) {
    using client = await server.connect();
    await client.send(`PUT ${target} HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`);
    await server.echo.sees(1);
    await assert.rejects(async () => {
      for (let i = 0; i < 500; i++) await client.send(tiny);
    }, target);
  }
  await server.log.find(({ fields }) => fields.status === 400);
  await until(() => server.server.connections === 0);
});

testBoth("a body of many small pieces is taken", async (secure) => {
  await using server = await TestServer.start({ secure });
  using client = await server.connect();
  await client.send(`PUT /read HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`);
  for (let i = 0; i < 20; i++) await client.send(`20\r\n${"a".repeat(32)}\r\n`.repeat(1000));
  await client.send("0\r\n\r\n");
  assert.equal((await client.readAnswer()).body, "read 640000");
});

testBoth(
  "a slow but steady body survives many windows",
  inTries(async (secure) => {
    await using server = await TestServer.start({
      secure,
      limits: { minimumBodyRate: 1000, bodyWindowMs: 200 },
    });
    using client = await server.connect();
    await client.send(`PUT /read HTTP/1.1\r\n${HOST}Content-Length: 8000\r\n\r\n`);
    for (let sent = 0; sent < 8000; sent += 100) {
      await pause(20);
      await client.send("a".repeat(100));
    }
    assert.equal((await client.readAnswer()).body, "read 8000");
  }),
);

testBoth(
  "a body that the handler holds back is not called slow",
  inTries(async (secure) => {
    await using server = await TestServer.start({
      secure,
      limits: { minimumBodyRate: 1_000_000, bodyWindowMs: 100 },
    });
    using client = await server.connect();
    const length = 16 * 1024 * 1024;
    // 16 pauses of 60 ms: less than the minimum rate would let pass in each window.
    await client.send(`PUT /slow?n=60 HTTP/1.1\r\n${HOST}Content-Length: ${length}\r\n\r\n`);
    await client.send(new Uint8Array(length));
    assert.equal((await client.readAnswer()).body, `read ${length}`);
  }),
);

testBoth("a minimum rate of 0 waits", async (secure) => {
  await using server = await TestServer.start({ secure, limits: { minimumBodyRate: 0, bodyWindowMs: 50 } });
  using client = await server.connect();
  await client.send(`PUT /read HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\n`);
  await pause(400);
  await client.send("abc");
  assert.equal((await client.readAnswer()).body, "read 3");
});

testBoth(
  "an idle connection is closed after its time",
  inTries(async (secure) => {
    await using server = await TestServer.start({ secure, limits: { idleTimeoutMs: 300 } });
    using client = await server.connect();
    await client.send(`GET /x HTTP/1.1\r\n${HOST}\r\n`);
    await client.readAnswer();
    const ms = await client.closedAfter();
    assert.ok(ms > 200 && ms < 3000, `closed after ${ms} ms`);
  }),
);

testBoth(
  "a client that does not read its answer is cut, streamed or from memory, and the body is released",
  async (secure) => {
    await using server = await TestServer.start({ secure, limits: { idleTimeoutMs: 400 } });
    for (const target of ["/stream?n=50000000", "/bytes?n=50000000"]) {
      using client = await server.connect();
      await client.send(`GET ${target} HTTP/1.1\r\n${HOST}\r\n`);
      await server.log.find(({ fields }) =>
        fields.cut === true && String(target).startsWith(String(fields.path))
      );
      assert.ok(await client.skip(50_000_000) < 50_000_000);
    }
    assert.equal(server.echo.openBodies, 0);
  },
);

testBoth("a client that sends more and more requests and reads no answers is cut", async (secure) => {
  await using server = await TestServer.start({ secure, limits: { idleTimeoutMs: 400 } });
  using client = await server.connect();
  const requests = `GET /bytes?n=60000 HTTP/1.1\r\n${HOST}\r\n`.repeat(50);
  let sent = 0;
  try {
    for (; sent < 2000; sent++) await client.send(requests);
  } catch {
    // The server had enough.
  }
  assert.ok(sent < 2000);
  assert.ok(server.echo.seen.length < 1000, `${server.echo.seen.length} requests were served`);
});

testBoth("a client that sends more than 100 requests ahead of their answers is cut", async (secure) => {
  await using server = await TestServer.start({ secure });
  const ahead = (count: number) =>
    `GET /wait HTTP/1.1\r\n${HOST}\r\n` + `GET /x HTTP/1.1\r\n${HOST}\r\n`.repeat(count - 1);
  using many = await server.connect();
  await many.send(ahead(101));
  assert.equal(await many.readToEnd(), "");
  using few = await server.connect();
  await few.send(ahead(100));
  await server.echo.sees(2);
  server.echo.gate.resolve();
  for (let i = 0; i < 100; i++) assert.equal((await few.readAnswer()).status, 200);
});

testBoth(
  "a client that reads slowly but steadily is not cut",
  inTries(async (secure) => {
    await using server = await TestServer.start({ secure, limits: { idleTimeoutMs: 300 } });
    using client = await server.connect();
    const size = 16 * 1024 * 1024;
    await client.send(`GET /stream?n=${size} HTTP/1.1\r\n${HOST}\r\n`);
    await client.readAnswer({ headOnly: true });
    let got = 0;
    for (let step = -1; got < size && step !== 0; got += step) {
      await pause(40);
      step = await client.skip(Math.min(size - got, 512 * 1024));
    }
    assert.equal(got, size);
  }),
);

Deno.test(
  "after an early refusal, a client that goes on sending slowly is cut",
  inTries(async () => {
    await using plain = await TestServer.start();
    await using secure = await TestServer.start({ secure: true });
    const started = performance.now();
    // One body is small enough to be read for the next request's sake, the other is not.
    const cases = [plain, secure].flatMap((server) =>
      [10_000, 10_000_000].map((length) => ({ server, length }))
    );
    await Promise.all(cases.map(async ({ server, length }) => {
      using client = await server.connect();
      await client.send(`PUT /refuse HTTP/1.1\r\n${HOST}Content-Length: ${length}\r\n\r\n`);
      const trickling = trickle(client, "a", 100);
      assert.equal((await client.readAnswer()).status, 403);
      await client.readToEnd();
      client.close();
      await trickling;
    }));
    assert.ok(performance.now() - started < 8000);
  }),
);

testBoth(
  "an early refusal of a small body keeps the connection, and of a large one ends it",
  async (secure) => {
    await using server = await TestServer.start({ secure });
    using small = await server.connect();
    await small.send(`PUT /refuse HTTP/1.1\r\n${HOST}Content-Length: 200000\r\n\r\n`);
    assert.equal((await small.readAnswer()).headers.get("connection"), "keep-alive");
    await small.send(new Uint8Array(200_000));
    await small.send(`GET /next HTTP/1.1\r\n${HOST}\r\n`);
    assert.equal((await small.readAnswer()).body, "GET /next");

    using large = await server.connect();
    await large.send(`PUT /refuse HTTP/1.1\r\n${HOST}Content-Length: 2000000\r\n\r\n`);
    assert.equal((await large.readAnswer()).headers.get("connection"), "close");
    await large.send(new Uint8Array(2_000_000));
    await large.closedAfter();
  },
);

testBoth("connections beyond the limit are closed at once, and places become free again", async (secure) => {
  await using server = await TestServer.start({ secure, limits: { maxConnections: 3 } });
  const kept = await Promise.all([server.connect(), server.connect(), server.connect()]);
  for (const client of kept) {
    await client.send(`GET /x HTTP/1.1\r\n${HOST}\r\n`);
    await client.readAnswer();
  }
  const refused = await server.ask(`GET /x HTTP/1.1\r\n${HOST}\r\n`).then(() => false, () => true);
  assert.ok(refused, "the fourth was served");
  kept[0]!.close();
  await until(() => server.server.connections < 3);
  assert.equal((await server.ask(`GET /x HTTP/1.1\r\n${HOST}\r\n`)).status, 200);
  kept.forEach((client) => client.close());
});
