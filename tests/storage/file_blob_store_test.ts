/** The BlobStore on files keeps the port's promises about what is there and what is not. */
import assert from "node:assert/strict";
import { makeUploadSessionId, type UploadSessionId } from "../../src/core/upload_session_id.ts";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import type { FileBlobStore } from "../../src/storage/files/file_blob_store.ts";
import { digestOf, randomBytes } from "../model/bytes.ts";
import { readAll, TempStorage } from "./temp_storage.ts";

async function put(blobs: FileBlobStore, bytes: Uint8Array): Promise<BlobFile> {
  const id = makeUploadSessionId();
  await blobs.createUpload(id);
  const writer = await blobs.openUpload(id, "sha256") ?? assert.fail("locked");
  await writer.append(bytes);
  await writer.digest("sha256");
  const file = await writer.promote(digestOf(bytes));
  await writer.close();
  return file;
}

Deno.test("a blob is read by another store; missing, short and long files are not there", async () => {
  using storage = new TempStorage();
  const bytes = randomBytes(100_000);
  const file = await put(storage.openBlobs(), bytes);
  const blobs = storage.openBlobs({ cacheBytes: 1_000_000 });
  const reader = await blobs.open(file, bytes.length) ?? assert.fail("not opened");
  assert.deepEqual(await readAll(reader.read(0, bytes.length)), bytes);
  reader.close();
  const path = storage.layout.blob(file);
  for (
    const damage of [
      () => Deno.truncate(path, 99_999),
      () => Deno.truncate(path, 100_001),
      () => Deno.remove(path),
    ]
  ) {
    await damage();
    assert.equal(await blobs.open(file, bytes.length), undefined);
    assert.equal(await blobs.isWhole(file, bytes.length), false);
  }
});

Deno.test("a path is never used twice: the same blob pushed again gets another file", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const bytes = randomBytes(10);
  const files = new Set<BlobFile>();
  for (let i = 0; i < 5; i++) files.add(await put(blobs, bytes));
  assert.equal(files.size, 5);
  const [first, ...others] = [...files];
  await blobs.remove(first!);
  for (const file of others) assert.equal(await blobs.isWhole(file, 10), true);
});

Deno.test("remove() and removeUpload() mind nothing that is gone already", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const file = await put(blobs, randomBytes(10));
  await blobs.remove(file);
  await blobs.remove(file);
  const id = makeUploadSessionId();
  await blobs.removeUpload(id);
  await blobs.createUpload(id);
  await blobs.removeUpload(id);
  await blobs.removeUpload(id);
  assert.deepEqual(storage.listUploadFiles(), []);
});

Deno.test("createUpload() makes an empty file of the owner's, and leaves one that is there", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const id = makeUploadSessionId();
  await blobs.createUpload(id);
  assert.equal((await Deno.stat(storage.layout.upload(id))).mode! & 0o077, 0);
  assert.equal(await blobs.uploadSize(id), 0);
  await Deno.writeTextFile(storage.layout.upload(id), "bytes");
  await blobs.createUpload(id);
  assert.equal(await blobs.uploadSize(id), 5);
});

Deno.test("uploadTouchedAt() is the time of the last write, undefined where there is no file", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const id: UploadSessionId = makeUploadSessionId();
  assert.equal(await blobs.uploadTouchedAt(id), undefined);
  await blobs.createUpload(id);
  await Deno.utime(storage.layout.upload(id), 1000, 1_700_000_000);
  assert.equal(await blobs.uploadTouchedAt(id), 1_700_000_000_000);
  const writer = await blobs.openUpload(id, "sha256") ?? assert.fail("locked");
  await writer.append(randomBytes(10));
  await writer.close();
  assert.ok((await blobs.uploadTouchedAt(id))! > Date.now() - 60_000);
});

Deno.test("what keeps the file system from answering is no missing blob", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const file = `sha256/00/${"a".repeat(300)}` as BlobFile;
  await assert.rejects(blobs.open(file, 1), /os error 36|too long/i);
  await assert.rejects(blobs.isWhole(file, 1), /os error 36|too long/i);
  await assert.rejects(blobs.remove(file), /os error 36|too long/i);
});
