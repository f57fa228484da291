/** Uploads that are refused, and that they leave nothing behind. */
import assert from "node:assert/strict";
import { makeModelRegistry } from "../model/model_registry.ts";
import { digestOf } from "../model/bytes.ts";
import { assertRefused, makeBlob, startSession } from "./content.ts";
import { makeClient } from "./request_builder.ts";

function setUp(settings: Parameters<typeof makeModelRegistry>[0] = {}) {
  const registry = makeModelRegistry(settings);
  return { registry, client: makeClient(registry) };
}

/** Nothing of an upload is there any more. */
function assertNothingLeft({ registry }: ReturnType<typeof setUp>): void {
  assert.equal(registry.metadata.uploads.size, 0, "a session row stayed");
  assert.equal(registry.blobs.uploads.size, 0, "bytes of a session stayed");
  assert.equal(registry.blobs.files.size, 0, "a blob file stayed");
  assert.equal(registry.blobs.openCount, 0, "a file stayed open");
}

Deno.test("a malformed Content-Range is refused and changes nothing", async () => {
  const { client } = setUp();
  const session = await startSession(client, "app");
  const malformed = ["", "0", "-5", "5-", "9-0", "a-b", "0-9-", "0-9999999999999999", "items 0-9/*"];
  for (const range of [...malformed, ["0-9", "0-9"], ["0-9", "10-19"]]) {
    const answer = await client.send("PATCH", session, {
      headers: { "content-range": range },
      body: "x".repeat(10),
    });
    assertRefused(answer, 400, "BLOB_UPLOAD_INVALID");
    assert.equal(answer.taken, 0);
  }
  assert.equal((await client.send("GET", session)).headers["range"], "0-0");
});

Deno.test("a piece whose length differs from its Content-Range is refused with nothing written", async () => {
  const { client } = setUp();
  const session = await startSession(client, "app");
  for (const range of ["0-8", "0-10", "0-0"]) {
    const answer = await client.send("PATCH", session, {
      headers: { "content-range": range },
      body: "x".repeat(10),
    });
    assertRefused(answer, 416, "SIZE_INVALID");
    assert.equal(answer.taken, 0);
  }
  assert.equal((await client.send("GET", session)).headers["range"], "0-0");
});

Deno.test("a piece without length that misses its Content-Range cancels the session", async () => {
  for (const range of ["0-4998", "0-5000"]) {
    const set = setUp();
    const session = await startSession(set.client, "app");
    const answer = await set.client.send("PATCH", session, {
      headers: { "content-range": range },
      body: makeBlob(5000).bytes,
      chunked: true,
    });
    assertRefused(answer, 416, "SIZE_INVALID");
    assertNothingLeft(set);
    assertRefused(await set.client.send("GET", session), 404, "BLOB_UPLOAD_UNKNOWN");
  }
});

Deno.test("a digest that does not match leaves nothing behind, whichever way the blob came", async () => {
  const wrong = digestOf("something else");
  const blob = makeBlob(5000);
  const ways:
    ((client: ReturnType<typeof makeClient>) => Promise<Awaited<ReturnType<typeof client.send>>>)[] = [
      (client) => client.send("POST", `/v2/app/blobs/uploads/?digest=${wrong}`, { body: blob.bytes }),
      async (client) =>
        client.send("PUT", `${await startSession(client, "app")}?digest=${wrong}`, { body: blob.bytes }),
      async (client) => {
        const session = await startSession(client, "app");
        await client.send("PATCH", session, { body: blob.bytes, chunked: true });
        return await client.send("PUT", `${session}?digest=${wrong}`);
      },
      async (client) => {
        const session = await startSession(client, "app");
        await client.send("PATCH", session, {
          headers: { "content-range": "0-999" },
          body: blob.bytes.slice(0, 1000),
        });
        return await client.send("PUT", `${session}?digest=${wrong}`, {
          headers: { "content-range": "1000-4999" },
          body: blob.bytes.slice(1000),
        });
      },
    ];
  for (const way of ways) {
    const set = setUp();
    const answer = await way(set.client);
    assertRefused(answer, 400, "DIGEST_INVALID");
    assert.ok(answer.json.errors[0].message.includes(blob.digest), "the true digest is named");
    assertNothingLeft(set);
    assert.equal((await set.client.send("HEAD", `/v2/app/blobs/${blob.digest}`)).status, 404);
    assert.equal((await set.client.send("HEAD", `/v2/app/blobs/${wrong}`)).status, 404);
  }
});

Deno.test("PUT without a digest or with a malformed one leaves the session as it is", async () => {
  const { client } = setUp();
  const blob = makeBlob(10);
  const session = await startSession(client, "app");
  await client.send("PATCH", session, { body: blob.bytes });
  for (const query of ["", "?digest=", "?digest=sha256:abc", "?digest=md5:0123"]) {
    assertRefused(await client.send("PUT", session + query), 400, "DIGEST_INVALID");
  }
  assert.equal((await client.send("PUT", `${session}?digest=${blob.digest}`)).status, 201);
});

Deno.test("an unknown digest algorithm is refused before a session is opened", async () => {
  const set = setUp();
  const answer = await set.client.send("POST", "/v2/app/blobs/uploads/?digest-algorithm=md5");
  assertRefused(answer, 400, "DIGEST_INVALID");
  assertNothingLeft(set);
});

Deno.test("a blob over the limit is refused before a byte when its length is known, and while it comes when not", async () => {
  const body = makeBlob(5001).bytes;
  for (const [chunked, taken] of [[false, 0], [true, 5001]] as const) {
    const set = setUp({ maxBlobSize: 5000 });
    const whole = await set.client.send("POST", `/v2/app/blobs/uploads/?digest=${digestOf(body)}`, {
      body,
      chunked,
    });
    assertRefused(whole, 413, "BLOB_UPLOAD_INVALID");
    assert.equal(whole.taken, taken);
    for (const method of ["PATCH", "PUT"]) {
      const session = await startSession(set.client, "app");
      const answer = await set.client.send(method, `${session}?digest=${digestOf(body)}`, { body, chunked });
      assertRefused(answer, 413, "BLOB_UPLOAD_INVALID");
      assert.equal(answer.taken, taken);
    }
    assertNothingLeft(set);
  }
});

Deno.test("a blob over the limit is refused however many pieces it comes in", async () => {
  const set = setUp({ maxBlobSize: 5000 });
  const session = await startSession(set.client, "app");
  assert.equal((await set.client.send("PATCH", session, { body: makeBlob(5000).bytes })).status, 202);
  assertRefused(await set.client.send("PATCH", session, { body: "x" }), 413, "BLOB_UPLOAD_INVALID");
  assertNothingLeft(set);
});

Deno.test("a session of another repository is unknown and stays as it is", async () => {
  const { client } = setUp();
  const session = await startSession(client, "app");
  await client.send("PATCH", session, { body: "abc" });
  const foreign = session.replace("/app/", "/other/");
  for (const method of ["GET", "PATCH", "PUT", "DELETE"]) {
    const answer = await client.send(method, `${foreign}?digest=${digestOf("abc")}`, { body: "d" });
    assertRefused(answer, 404, "BLOB_UPLOAD_UNKNOWN");
    assert.equal(answer.taken, 0);
  }
  assert.equal((await client.send("GET", session)).headers["range"], "0-2");
});
