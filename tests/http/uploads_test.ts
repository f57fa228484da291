/** Uploads of blobs in one piece and in many, through the handler. */
import assert from "node:assert/strict";
import { makeModelRegistry } from "../model/model_registry.ts";
import { concat } from "../model/bytes.ts";
import { assertRefused, makeBlob, pushBlob, startSession } from "./content.ts";
import { makeClient } from "./request_builder.ts";

function setUp(settings: Parameters<typeof makeModelRegistry>[0] = {}) {
  const registry = makeModelRegistry(settings);
  return { registry, client: makeClient(registry) };
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

Deno.test("a blob of exactly the limit is taken", async () => {
  const { client } = setUp({ maxBlobSize: 5000 });
  await pushBlob(client, "app", makeBlob(5000));
});

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
