/** The memory of a body is given back as it is read, and nobody reads what was given back. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { joinBytes } from "../../src/core/join_bytes.ts";
import type { Handled, HttpRequest } from "../../src/http/message.ts";
import { respondEmpty } from "../../src/http/respond.ts";
import { digestOf, randomBytes } from "../model/bytes.ts";
import { testBoth, TestServer } from "./test_server.ts";

const HOST = "Host: registry.test\r\n";
const LENGTH = 3_000_000;

/** Says the digest of what came, and how much of it is still in memory when all of it was read. */
async function answerWithDigest(request: HttpRequest): Promise<Handled> {
  const hash = createHash("sha256");
  const lent: Uint8Array[] = [];
  for await (const chunk of request.body.chunks()) {
    hash.update(chunk);
    lent.push(chunk);
  }
  const left = lent.reduce((sum, chunk) => sum + chunk.length, 0);
  const headers = { "x-digest": `sha256:${hash.digest("hex")}`, "x-left": `${left}` };
  return { response: respondEmpty(200, headers), action: "test" };
}

testBoth("what was read of a large body is not in memory any more when the rest comes", async (secure) => {
  await using server = await TestServer.start({ secure, handle: answerWithDigest });
  using client = await server.connect();
  const bytes = randomBytes(LENGTH);
  await client.send(`PUT /x HTTP/1.1\r\n${HOST}Content-Length: ${LENGTH}\r\n\r\n`);
  await client.send(bytes);
  const { headers } = await client.readAnswer();
  assert.equal(headers.get("x-digest"), digestOf(bytes));
  assert.ok(Number(headers.get("x-left")) < LENGTH / 10, `${headers.get("x-left")} bytes are left`);
});

testBoth(
  "requests that come right behind a large body, in the same packets, are read as sent",
  async (secure) => {
    await using server = await TestServer.start({ secure, handle: answerWithDigest });
    using client = await server.connect();
    const bodies = Array.from({ length: 8 }, (_, i) => randomBytes(i % 2 === 0 ? 300_001 : 9_000));
    const head = (length: number): Uint8Array =>
      new TextEncoder().encode(`PUT /x HTTP/1.1\r\n${HOST}Content-Length: ${length}\r\n\r\n`);
    const parts = bodies.flatMap((body) => [head(body.length), body]);
    await Promise.all([
      client.send(joinBytes(parts, parts.reduce((sum, { length }) => sum + length, 0))),
      (async () => {
        for (const body of bodies) {
          assert.equal((await client.readAnswer()).headers.get("x-digest"), digestOf(body));
        }
      })(),
    ]);
  },
);
