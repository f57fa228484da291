/** What is refused by the head of a request or by its framing, and never reaches the handler. */
import assert from "node:assert/strict";
import { testBoth, TestServer } from "./test_server.ts";

const HOST = "Host: registry.test\r\n";

/** Heads that two readers could frame in two ways, by what is wrong with them. */
const AMBIGUOUS_HEADS: Readonly<Record<string, string>> = {
  "Content-Length with Transfer-Encoding": "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
  "Transfer-Encoding with Content-Length": "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
  "an unknown coding": "Transfer-Encoding: xchunked\r\n",
  "chunked before identity": "Transfer-Encoding: chunked, identity\r\n",
  "identity before chunked": "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
  "identity": "Transfer-Encoding: identity\r\n",
  "gzip before chunked": "Transfer-Encoding: gzip, chunked\r\n",
  "chunked twice": "Transfer-Encoding: chunked, chunked\r\n",
  "a coding after a vertical tab": "Transfer-Encoding: \x0bchunked\r\n",
  "two lengths": "Content-Length: 3\r\nContent-Length: 4\r\n",
  "the same length twice": "Content-Length: 3\r\nContent-Length: 3\r\n",
  "a list of lengths": "Content-Length: 3, 3\r\n",
  "a length with a plus": "Content-Length: +3\r\n",
  "a negative length": "Content-Length: -3\r\n",
  "a hexadecimal length": "Content-Length: 0x3\r\n",
  "a length of two numbers": "Content-Length: 3 3\r\n",
  "an empty length": "Content-Length: \r\n",
  "a length beyond 64 bits": "Content-Length: 99999999999999999999\r\n",
  "a space before the colon": "Content-Length : 3\r\n",
  "a tab before the colon": "Content-Length\t: 3\r\n",
  "a folded line": "X-A: a\r\n b\r\n",
  "a folded Transfer-Encoding": "Transfer-Encoding:\r\n chunked\r\n",
  "a bare line feed": "X-A: a\nX-B: b\r\n",
  "a bare carriage return": "X-A: a\rX-B: b\r\n",
  "NUL in a value": "X-A: a\0b\r\n",
  "a control character in a value": "X-A: a\x01b\r\n",
  "an empty name": ": a\r\n",
  "a name that is no token": "X(: a\r\n",
  "a line without colon": "X-A\r\n",
};

/** Chunked bodies that two readers could take for different lengths. */
const AMBIGUOUS_CHUNKS: Readonly<Record<string, string>> = {
  "a hexadecimal prefix": "0x3\r\nabc\r\n0\r\n\r\n",
  "a size beyond 64 bits": "FFFFFFFFFFFFFFFFF\r\nabc\r\n0\r\n\r\n",
  "a negative size": "-1\r\nabc\r\n0\r\n\r\n",
  "bare line feeds": "3\nabc\n0\n\n",
  "an extension that ends with a line feed": "3;a\nabc\r\n0\r\n\r\n",
  "a space after the size": "3 \r\nabc\r\n0\r\n\r\n",
  "a space before the size": " 3\r\nabc\r\n0\r\n\r\n",
  "more data than the size": "3\r\nabcd\r\n0\r\n\r\n",
  "a Content-Length among the trailers": "3\r\nabc\r\n0\r\nContent-Length: 5\r\n\r\n",
};

testBoth(
  "a request whose length can be read in two ways is refused and does not reach the handler",
  async (secure) => {
    await using server = await TestServer.start({ secure });
    for (const [what, head] of Object.entries(AMBIGUOUS_HEADS)) {
      using client = await server.connect();
      await client.send(
        `PUT /read HTTP/1.1\r\n${HOST}${head}\r\n3\r\nabc\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n${HOST}\r\n`,
      );
      const { status, headers, body } = await client.readAnswer();
      assert.equal(status, 400, what);
      assert.equal(headers.get("connection"), "close", what);
      assert.equal(JSON.parse(body).errors[0].code, "REQUEST_INVALID", what);
      assert.equal(await client.readToEnd(), "", `${what}: nothing follows the refusal`);
    }
    assert.deepEqual(server.echo.seen, []);
  },
);

testBoth(
  "a chunked body that can be read in two ways breaks its request, and nothing after it is served",
  async (secure) => {
    await using server = await TestServer.start({ secure });
    for (const [what, chunks] of Object.entries(AMBIGUOUS_CHUNKS)) {
      using client = await server.connect();
      await client.send(
        `PUT /read HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n${chunks}GET /smuggled HTTP/1.1\r\n${HOST}\r\n`,
      );
      const answer = await client.readToEnd();
      assert.match(answer, /^HTTP\/1\.1 400 /, what);
      assert.equal(answer.match(/HTTP\/1\.1 \d{3} /g)?.length, 1, `${what}: one answer`);
    }
    assert.deepEqual(server.echo.seen.filter(({ target }) => target !== "/read"), []);
    const requests = server.log.records.filter(({ message }) => message === "request");
    assert.ok(requests.length > 0);
    assert.ok(
      requests.every(({ fields }) => fields.cut === true),
      "no answer of the handler's was sent beside it",
    );
  },
);

Deno.test("the Host headers are all shown to the handler, which refuses two or none", async () => {
  await using server = await TestServer.start();
  await server.ask(`GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`);
  await server.ask(`GET /b HTTP/1.1\r\n\r\n`);
  assert.deepEqual(server.echo.seen.map(({ hosts }) => hosts), [["a", "b"], []]);
});

testBoth("101 header fields are refused with 431, and the connection closes", async (secure) => {
  await using server = await TestServer.start({ secure });
  for (const count of [101, 500, 2500]) {
    using client = await server.connect();
    await client.send(`GET /x HTTP/1.1\r\n${HOST}${"X-A: a\r\n".repeat(count - 1)}\r\n`);
    const { status, headers, body } = await client.readAnswer();
    assert.equal(status, 431);
    assert.equal(headers.get("connection"), "close");
    assert.match(
      JSON.parse(body).errors[0].message,
      new RegExp(`${count} header fields: expected at most 100`),
    );
    await client.closedAfter();
  }
  assert.deepEqual(server.echo.seen, []);
  assert.equal((await server.ask(`GET /x HTTP/1.1\r\n${HOST}${"X-A: a\r\n".repeat(99)}\r\n`)).status, 200);
});

testBoth(
  "a head of more than 32 KiB is refused with 431, whether in a field or in the target",
  async (secure) => {
    await using server = await TestServer.start({ secure });
    const heads = [
      `GET /x HTTP/1.1\r\n${HOST}X-A: ${"a".repeat(33_000)}\r\n\r\n`,
      `GET /${"a".repeat(33_000)} HTTP/1.1\r\n`,
    ];
    for (const head of heads) {
      const { status, body } = await server.ask(head);
      assert.equal(status, 431);
      assert.match(JSON.parse(body).errors[0].message, /more than 32 KiB/);
    }
    assert.deepEqual(server.echo.seen, []);
    assert.equal(
      (await server.ask(`GET /x HTTP/1.1\r\n${HOST}X-A: ${"a".repeat(30_000)}\r\n\r\n`)).status,
      200,
    );
  },
);

Deno.test("a target with bytes that have no place in one is refused by the parser", async () => {
  await using server = await TestServer.start();
  for (const target of ["/a\0b", "/a\x7fb", "/a\xe9b", "/a\tb", "/a b"]) {
    assert.equal(
      (await server.ask(`GET ${target} HTTP/1.1\r\n${HOST}\r\n`)).status,
      400,
      JSON.stringify(target),
    );
  }
  assert.deepEqual(server.echo.seen, []);
});

Deno.test("targets reach the handler exactly as they were sent", async () => {
  await using server = await TestServer.start();
  const targets = [
    "/v2/../../etc/passwd",
    "/v2/%2e%2e/%2F",
    "http://other.test/v2/",
    "//v2//",
    "/a?b?c",
    "/a%00",
    "/a\\b",
  ];
  for (const target of targets) await server.ask(`GET ${target} HTTP/1.1\r\n${HOST}\r\n`);
  await server.ask(`OPTIONS * HTTP/1.1\r\n${HOST}\r\n`);
  assert.deepEqual(server.echo.seen.map(({ target }) => target), [...targets, "*"]);
});

Deno.test("methods that HTTP knows reach the handler, others are refused", async () => {
  await using server = await TestServer.start();
  for (const method of ["GET", "DELETE", "PATCH", "OPTIONS", "TRACE", "PURGE", "PROPFIND"]) {
    assert.equal((await server.ask(`${method} /x HTTP/1.1\r\n${HOST}\r\n`)).status, 200, method);
  }
  server.echo.seen.length = 0;
  for (const method of ["FOO", "get", "G\0T", "GETT", "PRI"]) {
    assert.equal((await server.ask(`${method} /x HTTP/1.1\r\n${HOST}\r\n`)).status, 400, method);
  }
  assert.deepEqual(server.echo.seen, []);
});

testBoth("CONNECT is refused with 405 and closes the connection", async (secure) => {
  await using server = await TestServer.start({ secure });
  using client = await server.connect();
  await client.send(`CONNECT other.test:443 HTTP/1.1\r\n${HOST}\r\n`);
  const { status, body } = await client.readAnswer();
  assert.equal(status, 405);
  assert.match(JSON.parse(body).errors[0].message, /tunnel/);
  await client.closedAfter();
  assert.deepEqual(server.echo.seen, []);
});

testBoth("a request that offers an upgrade is served as HTTP/1.1", async (secure) => {
  await using server = await TestServer.start({ secure });
  for (const protocol of ["h2c", "websocket"]) {
    using client = await server.connect();
    await client.send(
      `PUT /read HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: ${protocol}\r\nContent-Length: 3\r\n\r\nabc`,
    );
    assert.equal((await client.readAnswer()).body, "read 3");
    await client.send(`GET /next HTTP/1.1\r\n${HOST}\r\n`);
    assert.equal((await client.readAnswer()).body, "GET /next");
  }
});

Deno.test("HTTP versions other than 1.0 and 1.1 are refused", async () => {
  await using server = await TestServer.start();
  for (const version of ["HTTP/2.0", "HTTP/1.2", "HTTP/3.0", "HTTP/9.9", "HTTP/1", "http/1.1"]) {
    assert.equal((await server.ask(`GET /x ${version}\r\n${HOST}\r\n`)).status, 400, version);
  }
  assert.equal((await server.ask("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).status, 400);
  assert.deepEqual(server.echo.seen, []);
});

Deno.test("HTTP/1.0 is served and closed, kept open on request, and may not send chunks", async () => {
  await using server = await TestServer.start();
  using plain = await server.connect();
  await plain.send("GET /x HTTP/1.0\r\n\r\n");
  assert.equal((await plain.readAnswer()).status, 200);
  await plain.closedAfter();

  using kept = await server.connect();
  for (let i = 0; i < 2; i++) {
    await kept.send("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert.equal((await kept.readAnswer()).headers.get("connection"), "keep-alive");
  }

  using chunked = await server.connect();
  await chunked.send(
    "PUT /read HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
  );
  assert.equal((await chunked.readAnswer()).status, 400);
  await chunked.closedAfter();
});

Deno.test("bytes that are no HTTP get an answer or an end, never the handler", async () => {
  await using server = await TestServer.start({ secure: false });
  for (
    const bytes of [
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
      "SSH-2.0-x\r\n",
      "\0\0\0\0",
      "{}\r\n\r\n",
      "GET\r\n\r\n",
    ]
  ) {
    assert.equal((await server.ask(bytes)).status, 400, JSON.stringify(bytes));
  }
  assert.deepEqual(server.echo.seen, []);
});

Deno.test("plain HTTP on the TLS port ends the connection, and others are served on", async () => {
  await using server = await TestServer.start({ secure: true });
  using plain = await Deno.connect({ hostname: "127.0.0.1", port: server.port });
  await plain.write(new TextEncoder().encode(`GET /x HTTP/1.1\r\n${HOST}\r\n`));
  const read = await plain.read(new Uint8Array(100)).catch(() => null);
  assert.ok(read === null || read < 20, "at most a TLS alert");
  assert.equal((await server.ask(`GET /x HTTP/1.1\r\n${HOST}\r\n`)).status, 200);
});
