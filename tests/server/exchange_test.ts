/** Requests and answers on a connection: order, keep-alive, half-close, expectations, and what breaks one. */
import assert from "node:assert/strict";
import { inTries } from "../harness/tries.ts";
import { testBoth, TestServer } from "./test_server.ts";

const HOST = "Host: registry.test\r\n";

testBoth("pipelined requests are served one after the other, and answered in order", async (secure) => {
  await using server = await TestServer.start({ secure });
  using client = await server.connect();
  await client.send(
    `GET /wait HTTP/1.1\r\n${HOST}\r\nGET /2 HTTP/1.1\r\n${HOST}\r\n` +
      `PUT /read HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabcGET /4 HTTP/1.1\r\n${HOST}\r\n`,
  );
  await server.echo.sees(1);
  // Another connection's request shows that the server did not wait for time to serve the second.
  await server.ask(`GET /other HTTP/1.1\r\n${HOST}\r\n`);
  assert.deepEqual(server.echo.seen.map(({ target }) => target), ["/wait", "/other"]);
  server.echo.gate.resolve();
  const bodies = [];
  for (let i = 0; i < 4; i++) bodies.push((await client.readAnswer()).body);
  assert.deepEqual(bodies, ["waited", "GET /2", "read 3", "GET /4"]);
});

testBoth(
  "what a client sent ahead is not served when the connection ends before its turn",
  async (secure) => {
    await using server = await TestServer.start({ secure });
    using client = await server.connect();
    await client.send(
      `GET /wait HTTP/1.1\r\n${HOST}\r\nDELETE /2 HTTP/1.1\r\n${HOST}\r\nDELETE /3 HTTP/1.1\r\n${HOST}\r\n`,
    );
    await server.echo.sees(1);
    const drained = server.server.drain(5000);
    server.echo.gate.resolve();
    assert.equal((await client.readAnswer()).headers.get("connection"), "close");
    await client.closedAfter();
    await drained;
    assert.deepEqual(server.echo.seen.map(({ target }) => target), ["/wait"]);
  },
);

testBoth("HEAD is answered with the headers of GET and no body", async (secure) => {
  await using server = await TestServer.start({ secure });
  using client = await server.connect();
  await client.send(`HEAD /x HTTP/1.1\r\n${HOST}\r\n`);
  const head = await client.readAnswer({ headOnly: true });
  assert.equal(head.headers.get("content-length"), "7");
  await client.send(`GET /next HTTP/1.1\r\n${HOST}\r\n`);
  assert.equal((await client.readAnswer()).body, "GET /next", "nothing stood between the two answers");
});

testBoth("a client that ends its side after the request still gets the answer", async (secure) => {
  await using server = await TestServer.start({ secure });
  const requests = {
    waited: `GET /wait HTTP/1.1\r\n${HOST}\r\n`,
    "read 3": `PUT /read HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabc`,
  };
  for (const [expected, request] of Object.entries(requests)) {
    using client = await server.connect();
    await client.send(request);
    await client.finishSending();
    if (expected === "waited") {
      await server.echo.sees(1);
      server.echo.gate.resolve();
    }
    assert.equal((await client.readAnswer()).body, expected);
    await client.closedAfter();
  }
});

testBoth("a download reaches a client that ended its side to its last byte", async (secure) => {
  await using server = await TestServer.start({ secure });
  using client = await server.connect();
  await client.send(`GET /stream?n=20000000 HTTP/1.1\r\n${HOST}\r\n`);
  await client.finishSending();
  assert.ok(await client.skip(30_000_000) > 20_000_000);
});

testBoth(
  "what follows a request that said Connection: close is ignored, and its answer arrives",
  async (secure) => {
    await using server = await TestServer.start({ secure });
    for (const rest of ["\r\n", "GARBAGE\r\n\r\n", `GET /second HTTP/1.1\r\n${HOST}\r\n`]) {
      using client = await server.connect();
      await client.send(
        `PUT /read HTTP/1.1\r\n${HOST}Connection: close\r\nContent-Length: 3\r\n\r\nabc${rest}`,
      );
      assert.equal((await client.readAnswer()).body, "read 3");
      await client.closedAfter();
    }
    assert.deepEqual(server.echo.seen.filter(({ target }) => target === "/second"), []);
  },
);

testBoth("garbage behind a request whose answer is under way does not mix with it", async (secure) => {
  await using server = await TestServer.start({ secure });
  using waiting = await server.connect();
  await waiting.send(`GET /wait HTTP/1.1\r\n${HOST}\r\nGARBAGE\r\n\r\n`);
  await server.log.find(({ message }) => message === "broken request");
  server.echo.gate.resolve();
  assert.match(await waiting.readToEnd(), /^HTTP\/1\.1 200 (?:(?!HTTP\/1)[\s\S])*\r\n\r\nwaited$/);

  using streaming = await server.connect();
  await streaming.send(`GET /stream?n=30000000 HTTP/1.1\r\n${HOST}\r\n`);
  await streaming.skip(1_000_000);
  await streaming.send("GARBAGE\r\n\r\n");
  const rest = await streaming.readToEnd();
  assert.doesNotMatch(rest, /HTTP\/1|REQUEST_INVALID/);
});

testBoth("100 Continue is sent when the handler reads the body, and before it comes", async (secure) => {
  await using server = await TestServer.start({ secure });
  using client = await server.connect();
  await client.send(`PUT /read HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`);
  assert.equal((await client.readAnswer()).status, 100);
  await client.send("abc");
  assert.equal((await client.readAnswer()).body, "read 3");
  await client.send(`GET /next HTTP/1.1\r\n${HOST}\r\n`);
  assert.equal((await client.readAnswer()).body, "GET /next");
});

testBoth(
  "a refusal takes the place of 100 Continue and closes the connection",
  inTries(async (secure) => {
    await using server = await TestServer.start({ secure });
    using client = await server.connect();
    await client.send(`PUT /refuse HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\n`);
    const { status, headers } = await client.readAnswer();
    assert.equal(status, 403);
    assert.equal(headers.get("connection"), "close");
    assert.ok(await client.closedAfter() < 1000, "without waiting for a body that may never come");
  }),
);

testBoth(
  "an answer that ends the connection does not cut off a client that still sends its body",
  async (secure) => {
    const body = new TextEncoder().encode("this certificate is refused");
    const headers = { connection: "close", "content-length": String(body.length) };
    await using server = await TestServer.start({
      secure,
      handle: () => Promise.resolve({ action: "refuse", response: { status: 403, headers, body } }),
    });
    using client = await server.connect();
    await client.send(`PUT /x HTTP/1.1\r\n${HOST}Content-Length: 200000\r\n\r\n`);
    assert.equal((await client.readAnswer()).body, "this certificate is refused");
    await server.ask(`GET /other HTTP/1.1\r\n${HOST}\r\n`);
    // On a connection that was closed meanwhile these fail, and what was not read yet of the answer is lost.
    for (let i = 0; i < 20; i++) await client.send(new Uint8Array(10_000));
    await client.closedAfter();
  },
);

testBoth("an expectation that is not 100-continue is answered 417", async (secure) => {
  await using server = await TestServer.start({ secure });
  using client = await server.connect();
  await client.send(`PUT /read HTTP/1.1\r\n${HOST}Expect: magic\r\nContent-Length: 3\r\n\r\nabc`);
  const { status, body } = await client.readAnswer();
  assert.equal(status, 417);
  assert.match(JSON.parse(body).errors[0].message, /expectation "magic": expected "100-continue"/);
  await client.closedAfter();
  assert.deepEqual(server.echo.seen, []);
});

testBoth(
  "a fault of the handler is answered 500 with the request id and nothing from inside",
  async (secure) => {
    await using server = await TestServer.start({ secure });
    const { status, body } = await server.ask(`GET /throw HTTP/1.1\r\n${HOST}\r\n`);
    assert.equal(status, 500);
    assert.doesNotMatch(body, /secret|RangeError|\.ts/);
    const record = await server.log.find(({ level }) => level === "error");
    assert.deepEqual(JSON.parse(body).errors, [{
      code: "INTERNAL_ERROR",
      message: "internal error",
      detail: { request_id: record.fields.request },
    }]);
    assert.match(String((record.fields.error as Error).stack), /the secret inside/);
  },
);

testBoth(
  "headers that cannot be sent cut the connection, release the body and are logged",
  async (secure) => {
    await using server = await TestServer.start({ secure });
    using client = await server.connect();
    await client.send(`GET /header HTTP/1.1\r\n${HOST}\r\n`);
    await client.closedAfter();
    await server.log.find(({ level, message }) => level === "error" && message === "request failed");
    assert.equal(server.echo.openBodies, 0);
  },
);

testBoth(
  "a body that fails midway cuts the connection, so that nobody takes it for the whole",
  async (secure) => {
    await using server = await TestServer.start({ secure });
    for (const target of ["/broken?n=4000000", "/short?n=4000000"]) {
      using client = await server.connect();
      await client.send(`GET ${target} HTTP/1.1\r\n${HOST}\r\n`);
      const { status, headers } = await client.readAnswer({ headOnly: true });
      assert.equal(status, 200);
      assert.equal(headers.get("content-length"), "4000000");
      assert.ok(await client.skip(4_000_000) < 4_000_000, target);
    }
    const cuts = server.log.records.filter(({ fields }) => fields.cut === true);
    assert.deepEqual(cuts.map(({ message }) => message), ["request failed", "request failed"]);
    assert.match(String(cuts[0]!.fields.error), /the disk is gone/);
    assert.match(String(cuts[1]!.fields.error), /sent 2000000 bytes where 4000000 were promised/);
    assert.equal(server.echo.openBodies, 0);
  },
);

testBoth("bodies of every size arrive whole, one after the other on a connection", async (secure) => {
  await using server = await TestServer.start({ secure });
  using client = await server.connect();
  for (const size of [0, 1, 65_535, 65_536, 65_537, 262_144, 262_145, 524_288, 3_000_001]) {
    for (const kind of ["bytes", "stream"]) {
      await client.send(`GET /${kind}?n=${size} HTTP/1.1\r\n${HOST}\r\n`);
      const { body } = await client.readAnswer();
      assert.equal(body.length, size, kind);
    }
  }
});

testBoth("a connection serves on after a download whose end waited for a slow reader", async (secure) => {
  await using server = await TestServer.start({ secure });
  using client = await server.connect();
  // More than the system buffers, in pieces so small that some wait, and nobody waits for them, when the stream ends.
  const size = 1000 * 10_000 + 100;
  await client.send(`GET /stream?n=${size}&piece=10000 HTTP/1.1\r\n${HOST}\r\n`);
  await client.readAnswer({ headOnly: true });
  let got = 0;
  for (let step = -1; got < size && step !== 0; got += step) {
    step = await client.skip(Math.min(size - got, 32 * 1024));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(got, size);
  await client.send(`GET /next HTTP/1.1\r\n${HOST}\r\n`);
  assert.equal((await client.readAnswer()).body, "GET /next");
});
