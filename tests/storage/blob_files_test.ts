/** Finished blobs are read whole or not at all. */
import assert from "node:assert/strict";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import { BlobFiles, removeIfThere } from "../../src/storage/files/blob_files.ts";
import { readFully } from "../../src/storage/files/read_chunks.ts";
import { randomBytes } from "../model/bytes.ts";
import { countOpenFiles, readAll, TempStorage } from "./temp_storage.ts";

const FILE = "sha256/00/abc.session" as BlobFile;
const SMALL = 64 * 1024;

function withBlob(bytes: Uint8Array, cacheBytes = 0) {
  const storage = new TempStorage();
  const path = storage.layout.blob(FILE);
  Deno.writeFileSync(path, bytes);
  return { storage, path, blobs: new BlobFiles(storage.layout, cacheBytes) };
}

for (const size of [0, 1, SMALL, SMALL + 1, 1_500_000]) {
  Deno.test(`BlobFiles.open() reads a blob of ${size} bytes, whole and in ranges`, async () => {
    const bytes = randomBytes(size);
    const { storage, blobs } = withBlob(bytes);
    using _ = storage;
    const reader = await blobs.open(FILE, size) ?? assert.fail("not opened");
    try {
      assert.equal(reader.size, size);
      assert.equal(reader.bytes !== undefined, size <= SMALL);
      assert.deepEqual(await readAll(reader.read(0, size)), bytes);
      const [start, end] = [Math.floor(size / 3), Math.ceil(size / 2)];
      assert.deepEqual(await readAll(reader.read(start, end)), bytes.slice(start, end));
      assert.deepEqual(await readAll(reader.read(size, size)), new Uint8Array());
    } finally {
      reader.close();
    }
  });
}

for (const size of [100, 200_000]) {
  Deno.test(`BlobFiles.open() finds nothing where the file is missing, short or long by one of ${size} bytes`, async () => {
    const { storage, path, blobs } = withBlob(randomBytes(size));
    using _ = storage;
    for (const wrong of [size + 1, size - 1, 0]) {
      assert.equal(await blobs.open(FILE, wrong), undefined);
      assert.equal(await blobs.isWhole(FILE, wrong), false);
    }
    assert.equal(await blobs.isWhole(FILE, size), true);
    await Deno.remove(path);
    assert.equal(await blobs.open(FILE, size), undefined);
    assert.equal(await blobs.isWhole(FILE, size), false);
    await Deno.mkdir(path);
    assert.equal(await blobs.isWhole(FILE, (await Deno.stat(path)).size), false, "a folder is no blob");
  });
}

Deno.test("a blob that is shortened while it is read ends with an error, not with fewer bytes", async () => {
  const { storage, path, blobs } = withBlob(randomBytes(2_000_000));
  using _ = storage;
  const reader = await blobs.open(FILE, 2_000_000) ?? assert.fail("not opened");
  await Deno.truncate(path, 700_000);
  await assert.rejects(readAll(reader.read(0, 2_000_000)), /ended 1300000 bytes before byte 2000000/);
  reader.close();
});

Deno.test("a large blob that is removed while it is read is read to its end", async () => {
  const bytes = randomBytes(2_000_000);
  const { storage, blobs } = withBlob(bytes);
  using _ = storage;
  const reader = await blobs.open(FILE, bytes.length) ?? assert.fail("not opened");
  await blobs.remove(FILE);
  assert.deepEqual(await readAll(reader.read(0, bytes.length)), bytes);
  reader.close();
});

Deno.test("BlobFiles remembers small blobs, and forgets one that it removes", async () => {
  const bytes = randomBytes(1000);
  const { storage, path, blobs } = withBlob(bytes, 10_000);
  using _ = storage;
  (await blobs.open(FILE, 1000))?.close();
  await Deno.remove(path);
  const remembered = await blobs.open(FILE, 1000) ?? assert.fail("not remembered");
  assert.deepEqual(remembered.bytes, bytes);
  remembered.close();
  assert.equal(
    await blobs.isWhole(FILE, 1000),
    false,
    "whether a client can skip its upload is asked of the disk",
  );
  await blobs.remove(FILE);
  assert.equal(await blobs.open(FILE, 1000), undefined);
});

Deno.test("BlobFiles closes what it opened: a thousand reads leave no file open", async () => {
  const { storage, path, blobs } = withBlob(randomBytes(SMALL + 1));
  using _ = storage;
  await Deno.writeFile(`${path}2`, randomBytes(10));
  const before = await countOpenFiles();
  for (let i = 0; i < 1000; i++) {
    const reader = await blobs.open(FILE, SMALL + 1);
    for await (const _chunk of reader!.read(0, 10)) break;
    reader!.close();
    (await blobs.open(`${FILE}2` as BlobFile, 10))!.close();
    await blobs.open(FILE, 1);
  }
  assert.ok(await countOpenFiles() - before < 10);
});

Deno.test("removeIfThere() and readFully() take what is there", async () => {
  const { storage, path } = withBlob(randomBytes(10));
  using _ = storage;
  using file = await Deno.open(path);
  const target = new Uint8Array(20);
  assert.equal(await readFully(file, target), 10);
  assert.equal(await readFully(file, target), 0);
  await removeIfThere(path);
  await removeIfThere(path);
  await assert.rejects(removeIfThere(storage.layout.rootDir), "a folder with content is not a file");
});
