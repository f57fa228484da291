/** Uploads of blobs in one piece and in many, through the handler. */
import assert from "node:assert/strict";
import { makeModelRegistry } from "../model/model_registry.ts";
import { concat, digestOf } from "../model/bytes.ts";
import { assertRefused, makeBlob, pushBlob, startSession } from "./content.ts";
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

Deno.test("POST opens a session and says where and how far it is", async () => {
  const { client } = setUp();
  for (const path of ["/v2/app/blobs/uploads/", "/v2/app/blobs/uploads"]) {
    const answer = await client.send("POST", path);
    const id = answer.headers["docker-upload-uuid"];
    assert.deepEqual([answer.status, answer.headers], [202, {
      "location": `/v2/app/blobs/uploads/${id}`,
      "range": "0-0",
      "docker-upload-uuid": id,
      "content-length": "0",
      "x-content-type-options": "nosniff",
    }]);
  }
});

for (const algorithm of ["sha256", "sha512"] as const) {
  Deno.test(`POST with digest and body takes a whole blob (${algorithm})`, async () => {
    const { registry, client } = setUp();
    const blob = makeBlob(5000, algorithm);
    const answer = await pushBlob(client, "app", blob);
    assert.equal(answer.headers["location"], `/v2/app/blobs/${blob.digest}`);
    assert.equal(answer.headers["docker-content-digest"], blob.digest);
    assert.deepEqual((await client.send("GET", answer.headers["location"]!)).body, blob.bytes);
    assert.equal(registry.metadata.uploads.size, 0);
  });

  Deno.test(`POST then PUT takes a whole blob (${algorithm})`, async () => {
    const { client } = setUp();
    const blob = makeBlob(5000, algorithm);
    const session = await startSession(client, "app");
    const answer = await client.send("PUT", `${session}?digest=${blob.digest}`, { body: blob.bytes });
    assert.equal(answer.status, 201);
    assert.deepEqual((await client.send("GET", answer.headers["location"]!)).body, blob.bytes);
  });

  Deno.test(`PATCH takes chunks in order, and PUT the last one or none (${algorithm})`, async () => {
    for (const [query, last] of [["", true], [`?digest-algorithm=${algorithm}`, false]] as const) {
      const { client } = setUp();
      const blob = makeBlob(2500, algorithm);
      const session = await startSession(client, "app", query);
      for (let start = 0; start < (last ? 2000 : 2500); start += 1000) {
        const end = Math.min(2500, start + 1000);
        const answer = await client.send("PATCH", session, {
          headers: { "content-range": `${start}-${end - 1}` },
          body: blob.bytes.slice(start, end),
        });
        assert.deepEqual([answer.status, answer.headers["range"]], [202, `0-${end - 1}`]);
        assert.equal(answer.headers["location"], session);
      }
      const answer = await client.send("PUT", `${session}?digest=${blob.digest}`, {
        ...(last && { headers: { "content-range": "2000-2499" } }),
        body: last ? blob.bytes.slice(2000) : "",
      });
      assert.equal(answer.status, 201, answer.text);
      assert.deepEqual((await client.send("GET", answer.headers["location"]!)).body, blob.bytes);
    }
  });
}

Deno.test("PATCH takes a stream without length and without place", async () => {
  const { client } = setUp();
  const blob = makeBlob(5000);
  const session = await startSession(client, "app");
  const answer = await client.send("PATCH", session, { body: blob.bytes, chunked: true });
  assert.deepEqual([answer.status, answer.headers["range"]], [202, "0-4999"]);
  assert.equal((await client.send("PUT", `${session}?digest=${blob.digest}`)).status, 201);
});

Deno.test("Content-Range is also understood in the form of RFC 9110", async () => {
  const { client } = setUp();
  const session = await startSession(client, "app");
  for (
    const [range, status] of [["bytes 0-9/*", 202], ["bytes 10-19/20", 202], ["bytes=20-29", 202]] as const
  ) {
    const answer = await client.send("PATCH", session, {
      headers: { "content-range": range },
      body: "x".repeat(10),
    });
    assert.equal(answer.status, status, answer.text);
  }
});

Deno.test("a malformed Content-Range is refused and changes nothing", async () => {
  const { client } = setUp();
  const session = await startSession(client, "app");
  for (const range of ["", "0", "-5", "5-", "9-0", "a-b", "0-9-", "0-9999999999999999", "items 0-9/*"]) {
    const answer = await client.send("PATCH", session, {
      headers: { "content-range": range },
      body: "x".repeat(10),
    });
    assertRefused(answer, 400, "BLOB_UPLOAD_INVALID");
    assert.equal(answer.taken, 0);
  }
  assert.equal((await client.send("GET", session)).headers["range"], "0-0");
});

Deno.test("a piece out of order is answered with 416 and the true range, by PATCH and by PUT", async () => {
  const { client } = setUp();
  const blob = makeBlob(30);
  const session = await startSession(client, "app");
  const send = (method: string, first: number, last: number) =>
    client.send(method, method === "PUT" ? `${session}?digest=${blob.digest}` : session, {
      headers: { "content-range": `${first}-${last}` },
      body: blob.bytes.slice(first, last + 1),
    });
  for (const method of ["PATCH", "PUT"]) assert.equal((await send(method, 10, 19)).status, 416);
  assert.equal((await send("PATCH", 0, 9)).status, 202);
  for (const [method, first, last] of [["PATCH", 0, 9], ["PATCH", 20, 29], ["PUT", 20, 29]] as const) {
    const answer = await send(method, first, last);
    assertRefused(answer, 416, "SIZE_INVALID");
    assert.equal(answer.headers["range"], "0-9");
    assert.equal(answer.headers["location"], session);
    assert.equal(answer.taken, 0);
  }
  const status = await client.send("GET", `${session}?digest=${blob.digest}`);
  assert.deepEqual([status.status, status.headers["range"], status.headers["location"]], [
    204,
    "0-9",
    session,
  ]);
  assert.equal(status.headers["content-length"], undefined);
  assert.equal((await send("PATCH", 10, 19)).status, 202);
  assert.equal((await send("PUT", 20, 29)).status, 201);
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

Deno.test("a piece without length that fills its Content-Range is taken", async () => {
  const { client } = setUp();
  const session = await startSession(client, "app");
  const answer = await client.send("PATCH", session, {
    headers: { "content-range": "0-4999" },
    body: makeBlob(5000).bytes,
    chunked: true,
  });
  assert.equal(answer.status, 202);
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

Deno.test("a blob of exactly the limit is taken", async () => {
  const { client } = setUp({ maxBlobSize: 5000 });
  await pushBlob(client, "app", makeBlob(5000));
});

for (const share of [0, 0.01, 0.5, 0.99, 1]) {
  Deno.test(`a client that vanishes at ${share * 100} % of a PATCH or PUT resumes at the true offset`, async () => {
    for (const method of ["PATCH", "PUT"]) {
      const { registry, client } = setUp();
      const blob = makeBlob(10_000);
      const cutAfter = 10_000 * share;
      const session = await startSession(client, "app");
      const cut = await client.send(method, `${session}?digest=${blob.digest}`, {
        body: blob.bytes,
        pieceSize: 50,
        cutAfter,
      });
      assert.deepEqual([cut.status, cut.body.length, cut.handled.action !== undefined], [499, 0, true]);
      assert.equal(cut.handled.fault, undefined);
      assert.equal(registry.blobs.openCount, 0);
      const status = await client.send("GET", session);
      assert.deepEqual([status.status, status.headers["range"]], [204, `0-${Math.max(0, cutAfter - 1)}`]);
      const rest = await client.send("PUT", `${session}?digest=${blob.digest}`, {
        ...(cutAfter < 10_000 && { headers: { "content-range": `${cutAfter}-9999` } }),
        body: blob.bytes.slice(cutAfter),
      });
      assert.equal(rest.status, 201, rest.text);
      assert.deepEqual((await client.send("GET", rest.headers["location"]!)).body, blob.bytes);
    }
  });

  Deno.test(`a client that vanishes at ${share * 100} % of a POST with digest leaves nothing behind`, async () => {
    const set = setUp();
    const blob = makeBlob(10_000);
    const answer = await set.client.send("POST", `/v2/app/blobs/uploads/?digest=${blob.digest}`, {
      body: blob.bytes,
      cutAfter: 10_000 * share,
    });
    assert.equal(answer.status, 499);
    assertNothingLeft(set);
  });
}

Deno.test("POST with the digest of no bytes and no body makes the empty blob", async () => {
  const { client } = setUp();
  for (const algorithm of ["sha256", "sha512"] as const) {
    await pushBlob(client, "app", makeBlob(0, algorithm));
  }
});

Deno.test("POST with another digest and no body opens a session", async () => {
  const { registry, client } = setUp();
  const answer = await client.send("POST", `/v2/app/blobs/uploads/?digest=${makeBlob(5, "sha512").digest}`);
  assert.equal(answer.status, 202);
  assert.equal([...registry.metadata.uploads.values()][0]!.algorithm, "sha512");
});

Deno.test("DELETE cancels a session; it is unknown from then on", async () => {
  const set = setUp();
  const session = await startSession(set.client, "app");
  await set.client.send("PATCH", session, { body: "abc" });
  const answer = await set.client.send("DELETE", session);
  assert.deepEqual([answer.status, answer.headers["content-length"]], [204, undefined]);
  assertNothingLeft(set);
  for (const method of ["GET", "PATCH", "DELETE", "PUT"]) {
    const again = await set.client.send(method, `${session}?digest=${digestOf("abc")}`, { body: "abc" });
    assertRefused(again, 404, "BLOB_UPLOAD_UNKNOWN");
  }
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

Deno.test("HEAD of a session answers as GET does", async () => {
  const { client } = setUp();
  const session = await startSession(client, "app");
  const [head, get] = [await client.send("HEAD", session), await client.send("GET", session)];
  assert.deepEqual([head.status, head.headers], [get.status, get.headers]);
});

Deno.test("the same blob pushed twice is there once", async () => {
  const { registry, client } = setUp();
  const blob = makeBlob(100);
  await pushBlob(client, "app", blob);
  await pushBlob(client, "app", blob);
  await pushBlob(client, "other", blob);
  assert.equal(registry.blobs.files.size, 1);
  assert.deepEqual(concat([...registry.blobs.files.values()]), blob.bytes);
});
