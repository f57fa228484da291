/** The handler on the real stores: random operations, and the faults that only files can have. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Expectations } from "../model/expectations.ts";
import { makeRealRegistry } from "../model/real_stores.ts";
import { assertRefused, makeBlob, pushBlob, startSession } from "./content.ts";
import { assertPromise, randomOperation } from "./random_operations.ts";
import { makeClient } from "./request_builder.ts";

for (const limit of [0, 64 * 1024]) {
  const where = limit === 0 ? "files" : "small blobs inside it";
  Deno.test(`random operations on SQLite and ${where} are answered as the model says`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(randomOperation, { minLength: 20, maxLength: 60 }), async (operations) => {
        await using real = await makeRealRegistry({}, limit);
        const trial = { client: makeClient(real.registry), model: new Expectations() };
        for (const operation of operations) await operation(trial);
        await assertPromise(trial);
        const held = new Set([...trial.model.repositories.values()].flatMap(({ blobs }) => [...blobs]));
        const { blobs, uploads } = real.listFiles();
        assert.equal(limit === 0 ? blobs.length : real.listSmallBlobs().length, held.size);
        assert.equal(limit === 0 ? real.listSmallBlobs().length : blobs.length, 0);
        assert.equal(uploads.length, real.countSessionsWithFile());
      }),
      { numRuns: 15 },
    );
  });
}

Deno.test("a large blob goes in and out through files, whole and in ranges", async () => {
  await using real = await makeRealRegistry();
  const client = makeClient(real.registry);
  const blob = makeBlob(5_000_000, "sha512");
  const session = await startSession(client, "app", "?digest-algorithm=sha512");
  const half = 2_500_000;
  for (const start of [0, half]) {
    const answer = await client.send("PATCH", session, {
      headers: { "content-range": `${start}-${start + half - 1}` },
      body: blob.bytes.slice(start, start + half),
      pieceSize: 65_536,
    });
    assert.equal(answer.status, 202, answer.text);
  }
  assert.equal((await client.send("PUT", `${session}?digest=${blob.digest}`)).status, 201);
  const path = `/v2/app/blobs/${blob.digest}`;
  assert.deepEqual((await client.send("GET", path)).body, blob.bytes);
  const part = await client.send("GET", path, { headers: { range: "bytes=1000000-3999999" } });
  assert.deepEqual([part.status, part.body], [206, blob.bytes.slice(1_000_000, 4_000_000)]);
  const parts = await client.send("GET", path, { headers: { range: "bytes=0-9,-10" } });
  assert.deepEqual([parts.status, parts.headers["content-length"]], [206, String(parts.body.length)]);
});

for (const share of [0.01, 0.5, 0.99]) {
  Deno.test(`a client cut at ${share * 100} % finds the true offset in the file and resumes`, async () => {
    await using real = await makeRealRegistry();
    const client = makeClient(real.registry);
    const blob = makeBlob(3_000_000);
    const session = await startSession(client, "app");
    const cutAfter = 3_000_000 * share;
    const cut = await client.send("PATCH", session, { body: blob.bytes, pieceSize: 10_000, cutAfter });
    assert.equal(cut.status, 499);
    const status = await client.send("GET", session);
    assert.equal(status.headers["range"], `0-${cutAfter - 1}`);
    const rest = await client.send("PUT", `${session}?digest=${blob.digest}`, {
      headers: { "content-range": `${cutAfter}-2999999` },
      body: blob.bytes.slice(cutAfter),
    });
    assert.equal(rest.status, 201, rest.text);
    assert.deepEqual((await client.send("GET", rest.headers["location"]!)).body, blob.bytes);
  });
}

Deno.test("a wrong digest, a limit, a cut single POST and a cancel leave no file", async () => {
  await using real = await makeRealRegistry({ maxBlobSize: 2_000_000 });
  const client = makeClient(real.registry);
  const [blob, wrong] = [makeBlob(1_000_000), makeBlob(1).digest];
  const single = `/v2/app/blobs/uploads/?digest=`;
  assertRefused(await client.send("POST", single + wrong, { body: blob.bytes }), 400, "DIGEST_INVALID");
  const session = await startSession(client, "app");
  assertRefused(
    await client.send("PUT", `${session}?digest=${wrong}`, { body: blob.bytes }),
    400,
    "DIGEST_INVALID",
  );
  const body = makeBlob(2_000_001).bytes;
  const tooLarge = await client.send("PATCH", await startSession(client, "app"), { body, chunked: true });
  assertRefused(tooLarge, 413, "BLOB_UPLOAD_INVALID");
  const cut = await client.send("POST", single + blob.digest, { body: blob.bytes, cutAfter: 600_000 });
  assert.equal(cut.status, 499);
  const cancelled = await startSession(client, "app");
  await client.send("PATCH", cancelled, { body: blob.bytes });
  assert.equal((await client.send("DELETE", cancelled)).status, 204);
  assert.deepEqual(real.listFiles(), { blobs: [], uploads: [] });
});

Deno.test("two requests on one session: the second waits, then is told", async () => {
  await using real = await makeRealRegistry();
  const client = makeClient(real.registry);
  const session = await startSession(client, "app");
  assert.equal((await client.send("PATCH", session, { body: "" })).status, 202);
  const writer = await real.registry.blobs.openUpload(session.slice(-36) as never, "sha256");
  assertRefused(await client.send("PATCH", session, { body: "x" }), 409, "BLOB_UPLOAD_INVALID");
  await writer!.close();
  assert.equal((await client.send("PATCH", session, { body: "x" })).status, 202);
});

Deno.test("a blob whose file is gone is unknown until its next push", async () => {
  await using real = await makeRealRegistry();
  const client = makeClient(real.registry);
  // Larger than what is kept in memory.
  const blob = makeBlob(2_000_000);
  await pushBlob(client, "app", blob);
  const { file } = (await real.registry.metadata.findBlob("app" as never, blob.digest))!;
  await real.registry.blobs.remove(file);
  for (const method of ["GET", "HEAD"]) {
    assert.equal((await client.send(method, `/v2/app/blobs/${blob.digest}`)).status, 404);
  }
  await pushBlob(client, "app", blob);
  assert.deepEqual((await client.send("GET", `/v2/app/blobs/${blob.digest}`)).body, blob.bytes);
});
