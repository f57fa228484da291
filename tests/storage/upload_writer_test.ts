/** What is appended in whatever pieces is hashed, continued, promoted and taken back. */
import assert from "node:assert/strict";
import { makeUploadSessionId } from "../../src/core/upload_session_id.ts";
import { blobFileOf } from "../../src/storage/files/layout.ts";
import { digestOf, randomBytes } from "../model/bytes.ts";
import { fakeDigest, readAll, TempStorage } from "./temp_storage.ts";
import { appendAll, has, MiB, open, start } from "./upload_session.ts";

for (const size of [0, 1, 64 * 1024, 3 * MiB + 7]) {
  for (const step of [1000, 300_000, 2 * MiB]) {
    Deno.test(`a blob of ${size} bytes that comes in pieces of ${step} is hashed, promoted and read back`, async () => {
      using storage = new TempStorage();
      const blobs = storage.openBlobs();
      const bytes = randomBytes(size);
      const id = await start(blobs);
      const writer = await open(blobs, id);
      await appendAll(writer, bytes, step);
      assert.equal(writer.offset, size);
      const digest = digestOf(bytes);
      assert.equal(await writer.digest("sha256"), digest);
      const file = await writer.promote(digest);
      await writer.close();
      assert.equal(file, blobFileOf(digest, id));
      assert.deepEqual(storage.listUploadFiles(), []);
      assert.deepEqual(storage.listBlobFiles(), [file]);
      const reader = await blobs.open(file, size) ?? assert.fail("not opened");
      assert.deepEqual(await readAll(reader.read(0, size)), bytes);
      reader.close();
    });
  }
}

for (const percent of [1, 50, 99]) {
  for (const elsewhere of [false, true]) {
    const where = elsewhere ? "by another thread's store" : "by the same store";
    Deno.test(`an upload that is cut at ${percent} % is continued from the offset that it reports, ${where}`, async () => {
      using storage = new TempStorage();
      const first = storage.openBlobs();
      const second = elsewhere ? storage.openBlobs() : first;
      const bytes = randomBytes(2 * MiB + 13);
      const cut = Math.floor(bytes.length * percent / 100);
      const id = await start(first);
      const writer = await open(first, id);
      await appendAll(writer, bytes.slice(0, cut));
      await writer.close();
      assert.equal(await second.uploadSize(id), cut);
      const next = await open(second, id);
      assert.equal(next.offset, cut);
      await appendAll(next, bytes.slice(cut));
      assert.equal(await next.digest("sha256"), digestOf(bytes));
      await next.close();
    });
  }
}

Deno.test("pieces that come to two threads in turn end with the right digest in either", async () => {
  using storage = new TempStorage();
  const stores = [storage.openBlobs(), storage.openBlobs()];
  const bytes = randomBytes(MiB);
  const id = await start(stores[0]!);
  const pieces = 8;
  for (let i = 0; i < pieces; i++) {
    const writer = await open(stores[i % 2]!, id);
    await appendAll(writer, bytes.slice(i * MiB / pieces, (i + 1) * MiB / pieces), 10_000);
    await writer.close();
  }
  for (const store of stores) {
    const writer = await open(store, id);
    assert.equal(await writer.digest("sha256"), digestOf(bytes));
    await writer.close();
  }
});

Deno.test("an algorithm other than the announced one costs a second reading and gives the right digest", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const bytes = randomBytes(3 * MiB);
  const id = await start(blobs);
  const writer = await open(blobs, id, "sha256");
  await appendAll(writer, bytes.slice(0, 2 * MiB));
  assert.equal(await writer.digest("sha512"), digestOf(bytes.slice(0, 2 * MiB), "sha512"));
  // The reading must not have moved the place where the next bytes go.
  await appendAll(writer, bytes.slice(2 * MiB));
  assert.equal(await writer.digest("sha256"), digestOf(bytes));
  const digest = digestOf(bytes, "sha512");
  assert.equal(await writer.digest("sha512"), digest);
  const file = await writer.promote(digest);
  await writer.close();
  assert.match(file, /^sha512\//);
  assert.equal((await Deno.stat(storage.layout.blob(file))).size, bytes.length);
});

Deno.test("promote() wants the digest() of the same bytes first", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const writer = await open(blobs, await start(blobs));
  await writer.append(randomBytes(10));
  await writer.digest("sha256");
  await assert.rejects(writer.promote(digestOf("", "sha512")), /without the digest/);
  await writer.close();
  assert.deepEqual(storage.listBlobFiles(), []);
});

Deno.test("promote() refuses a file that has other bytes than were accepted", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const id = await start(blobs);
  const writer = await open(blobs, id);
  const bytes = randomBytes(10);
  await writer.append(bytes);
  await writer.digest("sha256");
  await Deno.writeFile(storage.layout.upload(id), randomBytes(3), { append: true });
  await assert.rejects(writer.promote(digestOf(bytes)), /has 13 bytes, expected 10/);
  await writer.close();
  assert.deepEqual(storage.listBlobFiles(), []);
});

Deno.test("demote() takes a promotion back: the session goes on and can be finished", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const [one, two] = [randomBytes(1000), randomBytes(500)];
  const id = await start(blobs);
  const writer = await open(blobs, id);
  await writer.append(one);
  const digest = await writer.digest("sha256");
  const file = await writer.promote(digest);
  await writer.demote(file);
  assert.equal(
    await blobs.openUpload(id, "sha256"),
    undefined,
    "the lock went with the file and came back with it",
  );
  await writer.close();
  assert.deepEqual(storage.listBlobFiles(), []);
  assert.equal(await blobs.uploadSize(id), 1000);
  const next = await open(blobs, id);
  await next.append(two);
  const whole = new Uint8Array([...one, ...two]);
  assert.equal(await next.digest("sha256"), digestOf(whole));
  const finished = await next.promote(digestOf(whole));
  await next.close();
  assert.deepEqual(await Deno.readFile(storage.layout.blob(finished)), whole);
});

Deno.test("a finished blob cannot be opened as an upload session, whatever id is asked for", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  await assert.rejects(blobs.openUpload(makeUploadSessionId(), "sha256"), has("BLOB_UPLOAD_UNKNOWN"));
  assert.equal(await blobs.uploadSize(makeUploadSessionId()), 0);
  assert.equal(await blobs.isWhole(blobFileOf(fakeDigest(1), makeUploadSessionId()), 0), false);
});
