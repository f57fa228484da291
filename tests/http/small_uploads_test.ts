/** Uploads of small blobs: they end in the database, by whatever requests they come, and leave no file. */
import assert from "node:assert/strict";
import { makeRealRegistry } from "../model/real_stores.ts";
import { assertRefused, contentOf, makeBlob, pushBlob, startSession } from "./content.ts";
import { type Client, makeClient } from "./request_builder.ts";

const LIMIT = 1000;

async function start() {
  const real = await makeRealRegistry({ maxBlobSize: 5000 }, LIMIT);
  return {
    real,
    client: makeClient(real.registry),
    [Symbol.asyncDispose]: () => real[Symbol.asyncDispose](),
  };
}

async function read(client: Client, digest: string): Promise<Uint8Array> {
  const answer = await client.send("GET", `/v2/app/blobs/${digest}`);
  assert.equal(answer.status, 200, answer.text);
  assert.equal((await client.send("HEAD", `/v2/app/blobs/${digest}`)).status, 200);
  return answer.body;
}

const NOTHING = { blobs: [], uploads: [] };

for (const algorithm of ["sha256", "sha512"] as const) {
  Deno.test(`a small blob that comes as a whole makes no file, with ${algorithm}`, async () => {
    await using trial = await start();
    const { client, real } = trial;
    const [put, post] = [makeBlob(LIMIT, algorithm), makeBlob(1, algorithm)];
    const session = await startSession(client, "app");
    assert.deepEqual(real.listFiles(), NOTHING, "a session has no file before bytes come");
    assert.equal((await client.send("GET", session)).headers["range"], "0-0");
    assert.equal(
      (await client.send("PUT", `${session}?digest=${put.digest}`, { body: put.bytes })).status,
      201,
    );
    await pushBlob(client, "app", post);
    for (const blob of [put, post]) assert.deepEqual(await read(client, blob.digest), blob.bytes);
    assert.deepEqual(real.listFiles(), NOTHING);
    assert.deepEqual(real.listSmallBlobs().sort(), [put.digest, post.digest].sort());
    assert.equal((await client.send("GET", session)).status, 404);
  });
}

Deno.test("a small blob that comes in pieces, or without its length, is in the database in the end", async () => {
  await using trial = await start();
  const { client, real } = trial;
  const [pieces, unknown, empty] = [makeBlob(LIMIT), makeBlob(300), contentOf("")];
  const session = await startSession(client, "app");
  for (const from of [0, 400]) {
    const body = pieces.bytes.slice(from, from === 0 ? 400 : undefined);
    assert.equal((await client.send("PATCH", session, { body })).status, 202);
  }
  assert.equal(real.listFiles().uploads.length, 1);
  assert.equal((await client.send("PUT", `${session}?digest=${pieces.digest}`)).status, 201);
  const options = { body: unknown.bytes, chunked: true };
  const chunked = await client.send(
    "PUT",
    `${await startSession(client, "app")}?digest=${unknown.digest}`,
    options,
  );
  assert.equal(chunked.status, 201, chunked.text);
  await pushBlob(client, "app", empty);
  for (const blob of [pieces, unknown, empty]) assert.deepEqual(await read(client, blob.digest), blob.bytes);
  assert.deepEqual(real.listFiles(), NOTHING);
});

Deno.test("a blob of one byte more than small ones have gets a file", async () => {
  await using trial = await start();
  const { client, real } = trial;
  const blob = makeBlob(LIMIT + 1);
  await pushBlob(client, "app", blob);
  assert.deepEqual(await read(client, blob.digest), blob.bytes);
  assert.deepEqual([real.listFiles().blobs.length, real.listSmallBlobs().length], [1, 0]);
});

Deno.test("a small blob in the middle of which the client goes away leaves its session as it was", async () => {
  await using trial = await start();
  const { client, real } = trial;
  const blob = makeBlob(LIMIT);
  const session = await startSession(client, "app");
  const target = `${session}?digest=${blob.digest}`;
  const options = { body: blob.bytes, pieceSize: 100, cutAfter: 500 };
  assert.equal((await client.send("PUT", target, options)).status, 499);
  const cut = `/v2/app/blobs/uploads/?digest=${blob.digest}`;
  assert.equal((await client.send("POST", cut, options)).status, 499);
  assert.deepEqual(real.listFiles(), NOTHING);
  assert.equal((await client.send("GET", session)).headers["range"], "0-0");
  assert.equal((await client.send("PUT", target, { body: blob.bytes })).status, 201);
});

Deno.test("a small blob with another digest ends its session, and a false length too", async () => {
  await using trial = await start();
  const { client, real } = trial;
  const [blob, other] = [makeBlob(LIMIT), makeBlob(LIMIT)];
  const session = await startSession(client, "app");
  const refused = await client.send("PUT", `${session}?digest=${other.digest}`, { body: blob.bytes });
  assertRefused(refused, 400, "DIGEST_INVALID");
  assert.equal((await client.send("GET", session)).status, 404);
  for (const announce of [LIMIT - 1, LIMIT + 1]) {
    const target = `${await startSession(client, "app")}?digest=${blob.digest}`;
    const answer = await client.send("PUT", target, { body: blob.bytes, announce });
    assert.ok(answer.status >= 400, `${announce} bytes announced: ${answer.status}`);
  }
  assert.deepEqual(real.listFiles(), NOTHING);
  assert.deepEqual(real.listSmallBlobs(), []);
});

Deno.test("whoever brings the whole while another request writes to the session is refused, and that one goes on", async () => {
  await using trial = await start();
  const { client, real } = trial;
  const blob = makeBlob(LIMIT);
  const session = await startSession(client, "app");
  const writes = Promise.withResolvers<void>();
  const { metadata } = real.registry;
  const finishUpload = metadata.finishUpload.bind(metadata);
  metadata.finishUpload = async (upload) => {
    // The moment at which another request may begin.
    metadata.finishUpload = finishUpload;
    assert.equal((await client.send("PATCH", session, { body: blob.bytes })).status, 202);
    writes.resolve();
    return await finishUpload(upload);
  };
  const target = `${session}?digest=${blob.digest}`;
  assertRefused(await client.send("PUT", target, { body: blob.bytes }), 409, "BLOB_UPLOAD_INVALID");
  await writes.promise;
  assert.equal((await client.send("PUT", target)).status, 201);
  assert.deepEqual(await read(client, blob.digest), blob.bytes);
  assert.deepEqual(real.listFiles(), NOTHING);
});

Deno.test("of two requests that bring the whole at once, one has made the blob and one finds no session", async () => {
  await using trial = await start();
  const { client, real } = trial;
  const blob = makeBlob(LIMIT);
  const target = `${await startSession(client, "app")}?digest=${blob.digest}`;
  const answers = await Promise.all([1, 2].map(() => client.send("PUT", target, { body: blob.bytes })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [201, 404]);
  assert.deepEqual(real.listFiles(), NOTHING);
});

Deno.test("a session that is cancelled before a byte came leaves nothing", async () => {
  await using trial = await start();
  const { client, real } = trial;
  const session = await startSession(client, "app");
  assert.equal((await client.send("DELETE", session)).status, 204);
  assert.equal((await client.send("PATCH", session, { body: "x" })).status, 404);
  assert.deepEqual(real.listFiles(), NOTHING);
});

Deno.test("a transaction that fails leaves the session of a small blob, with or without a file, to be completed", async () => {
  await using trial = await start();
  const { client, real } = trial;
  const { metadata } = real.registry;
  for (const withFile of [false, true]) {
    const blob = makeBlob(LIMIT);
    const session = await startSession(client, "app");
    if (withFile) await client.send("PATCH", session, { body: blob.bytes });
    const rest = withFile ? {} : { body: blob.bytes };
    const finishUpload = metadata.finishUpload.bind(metadata);
    metadata.finishUpload = () => Promise.reject(new Error("SQLITE_IOERR"));
    const target = `${session}?digest=${blob.digest}`;
    assert.equal((await client.send("PUT", target, rest)).status, 500);
    metadata.finishUpload = finishUpload;
    assert.equal((await client.send("PUT", target, rest)).status, 201);
    assert.deepEqual(await read(client, blob.digest), blob.bytes);
  }
  assert.deepEqual(real.listFiles(), NOTHING);
});
