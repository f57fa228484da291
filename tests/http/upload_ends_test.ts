/** Uploads that end early: the client vanishes or cancels. */
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
