/** An upload session without a file: a small blob is written where it stays, everything else gets the session's file. */
import assert from "node:assert/strict";
import { makeUploadSessionId, type UploadSessionId } from "../../src/core/upload_session_id.ts";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import { FileBlobStore } from "../../src/storage/files/file_blob_store.ts";
import { blobFileOf } from "../../src/storage/files/layout.ts";
import { UploadClaims } from "../../src/storage/files/upload_claims.ts";
import { recoverUploads } from "../../src/storage/recover.ts";
import { digestOf, randomBytes } from "../model/bytes.ts";
import { countOpenFiles, readAll, repo, TempStorage } from "./temp_storage.ts";
import { appendAll, has, MiB, open, start } from "./upload_session.ts";

/** Two threads' views of one storage. */
function openTwo(storage: TempStorage): [FileBlobStore, FileBlobStore] {
  const claims = new UploadClaims(0);
  return [storage.openBlobs({ claims }), storage.openBlobs({ claims: new UploadClaims(1, claims.shared) })];
}

/** Lets calls of a file fail while `work` runs; gives how many came. */
async function failing(method: "write" | "sync" | "syncData", error: Error, work: () => Promise<unknown>) {
  const prototype = Deno.FsFile.prototype;
  const { [method]: former } = prototype;
  let calls = 0;
  const fail = (): Promise<never> => {
    calls++;
    return Promise.reject(error);
  };
  Object.assign(prototype, { [method]: fail });
  try {
    await work();
  } finally {
    Object.assign(prototype, { [method]: former });
  }
  return calls;
}

const NO_ROOM = Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });

for (const size of [0, 1, 10_000, 128 * 1024]) {
  Deno.test(`a blob of ${size} bytes is never anywhere but where it stays, durable before its name is told`, async () => {
    using storage = new TempStorage();
    const [blobs] = openTwo(storage);
    const bytes = randomBytes(size);
    const id = await start(blobs);
    const writer = await open(blobs, id);
    await appendAll(writer, bytes, 7000);
    assert.equal(writer.offset, size);
    const digest = await writer.digest("sha256");
    assert.equal(digest, digestOf(bytes));
    const synced: string[] = [];
    const { sync, syncData } = Deno.FsFile.prototype;
    Object.assign(Deno.FsFile.prototype, {
      async sync(this: Deno.FsFile) {
        synced.push(`folder of ${storage.listBlobFiles()}`);
        await sync.call(this);
      },
      async syncData(this: Deno.FsFile) {
        synced.push(`${this.statSync().size} bytes`);
        await syncData.call(this);
      },
    });
    let file: BlobFile;
    try {
      file = await writer.promote(digest);
    } finally {
      Object.assign(Deno.FsFile.prototype, { sync, syncData });
    }
    await writer.close();
    assert.equal(file, blobFileOf(digest, id));
    assert.deepEqual(synced.sort(), [`${size} bytes`, `folder of ${file}`].sort());
    assert.deepEqual([storage.listUploadFiles(), storage.listBlobFiles()], [[], [file]]);
    assert.equal((await Deno.stat(storage.layout.blob(file))).mode! & 0o077, 0);
    const reader = await blobs.open(file, size) ?? assert.fail("not opened");
    assert.deepEqual(await readAll(reader.read(0, size)), bytes);
    reader.close();
  });
}

Deno.test("what is larger than a buffer gets the session's file, and is hashed and promoted like any other", async () => {
  using storage = new TempStorage();
  const [blobs] = openTwo(storage);
  for (const size of [128 * 1024 + 1, 3 * MiB + 7]) {
    const bytes = randomBytes(size);
    const id = await start(blobs);
    const writer = await open(blobs, id);
    await appendAll(writer, bytes, 50_000);
    assert.equal(writer.offset, size);
    assert.deepEqual(storage.listUploadFiles(), [id]);
    assert.equal(await writer.digest("sha256"), digestOf(bytes));
    const file = await writer.promote(digestOf(bytes));
    await writer.close();
    assert.deepEqual(await Deno.readFile(storage.layout.blob(file)), bytes);
  }
  assert.deepEqual(storage.listUploadFiles(), []);
});

Deno.test("what a client has sent before it went away is kept, and another thread goes on after it", async () => {
  using storage = new TempStorage();
  const [first, second] = openTwo(storage);
  const bytes = randomBytes(30_000);
  const id = await start(first);
  for (const [blobs, from] of [[first, 0], [second, 10_000], [first, 20_000]] as const) {
    const writer = await open(blobs, id);
    assert.equal(writer.offset, from);
    await writer.append(bytes.slice(from, from + 10_000));
    await writer.close();
    assert.equal(await second.uploadSize(id), from + 10_000);
  }
  const writer = await open(second, id, "sha512");
  assert.equal(await writer.digest("sha256"), digestOf(bytes));
  const file = await writer.promote(digestOf(bytes));
  await writer.close();
  assert.deepEqual(await Deno.readFile(storage.layout.blob(file)), bytes);
});

Deno.test("flush() writes out what those who read along may read", async () => {
  using storage = new TempStorage();
  const [blobs] = openTwo(storage);
  const id = await start(blobs);
  const writer = await open(blobs, id);
  await writer.append(randomBytes(10));
  assert.equal(writer.written, 0);
  await writer.flush();
  assert.equal(writer.written, 10);
  assert.equal((await Deno.stat(storage.layout.upload(id))).size, 10);
  await writer.close();
});

Deno.test("one at a time has a session, with a file or without, until it is closed", async () => {
  using storage = new TempStorage();
  const [first, second] = openTwo(storage);
  const id = await start(first);
  const bytes = randomBytes(10);
  for (const isLast of [false, false, true]) {
    const writer = await open(first, id);
    const isOut = async () => {
      for (const blobs of [first, second]) assert.equal(await blobs.openUpload(id, "sha256"), undefined);
    };
    await isOut();
    if (isLast) await writer.promote(await writer.digest("sha256"));
    else await writer.append(bytes);
    await isOut();
    await writer.close();
    await writer.close();
  }
});

Deno.test("a promotion is taken back into the session's file, and the session can be finished", async () => {
  using storage = new TempStorage();
  const [first, second] = openTwo(storage);
  const bytes = randomBytes(1000);
  const id = await start(first);
  const writer = await open(first, id);
  await writer.append(bytes);
  const digest = await writer.digest("sha256");
  await writer.demote(await writer.promote(digest));
  assert.equal(await second.openUpload(id, "sha256"), undefined);
  await writer.close();
  assert.deepEqual([storage.listUploadFiles(), storage.listBlobFiles()], [[id], []]);
  const again = await open(second, id);
  assert.equal(again.offset, 1000);
  assert.equal(await again.digest("sha256"), digest);
  await again.promote(digest);
  await again.close();
  assert.equal(storage.listBlobFiles().length, 1);
});

for (const method of ["sync", "syncData"] as const) {
  Deno.test(`a failed ${method}() drops a small blob, is not tried again, and says that the bytes are lost`, async () => {
    using storage = new TempStorage();
    const [blobs] = openTwo(storage);
    const writer = await open(blobs, await start(blobs));
    await writer.append(randomBytes(10));
    const digest = await writer.digest("sha256");
    const calls = await failing(method, new Error("I/O error (os error 5)"), async () => {
      await assert.rejects(writer.promote(digest), has("STORAGE_UNAVAILABLE"));
      assert.equal(writer.isLost, true);
      await writer.close();
    });
    assert.equal(calls, 1);
    assert.deepEqual([storage.listUploadFiles(), storage.listBlobFiles()], [[], []]);
  });
}

Deno.test("a small blob that finds no room leaves nothing, and its session begins again at byte 0", async () => {
  using storage = new TempStorage();
  const [blobs] = openTwo(storage);
  const id = await start(blobs);
  const bytes = randomBytes(10);
  const writer = await open(blobs, id);
  await writer.append(bytes);
  const digest = await writer.digest("sha256");
  await failing("write", NO_ROOM, async () => {
    await assert.rejects(writer.promote(digest), has("INSUFFICIENT_STORAGE"));
    assert.equal(writer.isLost, false);
    await writer.close();
  });
  assert.deepEqual([storage.listUploadFiles(), storage.listBlobFiles()], [[], []]);
  const again = await open(blobs, id);
  assert.equal(again.offset, 0);
  await again.append(bytes);
  await again.promote(await again.digest("sha256"));
  await again.close();
  assert.equal(storage.listBlobFiles().length, 1);
});

Deno.test("close() tells that accepted bytes found no room", async () => {
  using storage = new TempStorage();
  const [blobs] = openTwo(storage);
  const id = await start(blobs);
  const writer = await open(blobs, id);
  await writer.append(randomBytes(10));
  await failing("write", NO_ROOM, async () => {
    await assert.rejects(writer.close(), has("INSUFFICIENT_STORAGE"));
    await writer.close();
  });
  assert.equal((await open(blobs, id)).offset, 0);
});

Deno.test("a session that is cancelled under its writer ends in BLOB_UPLOAD_UNKNOWN, and nothing is left of it", async () => {
  using storage = new TempStorage();
  const [first, second] = openTwo(storage);
  for (const end of ["promote", "flush", "close"] as const) {
    const id = await start(first);
    const writer = await open(first, id);
    await writer.append(randomBytes(10));
    const digest = await writer.digest("sha256");
    await second.removeUpload(id);
    const ending = end === "promote" ? writer.promote(digest) : writer[end]();
    await assert.rejects(ending, has("BLOB_UPLOAD_UNKNOWN"), end);
    await writer.close().catch(() => {});
    assert.deepEqual([storage.listUploadFiles(), storage.listBlobFiles()], [[], []], end);
    assert.equal(await first.uploadTouchedAt(id), undefined, end);
  }
});

Deno.test("a name that somebody who died may have given is not taken, and its file stays", async () => {
  using storage = new TempStorage();
  const [blobs] = openTwo(storage);
  const id = await start(blobs);
  const bytes = randomBytes(10);
  const file = blobFileOf(digestOf(bytes), id);
  await Deno.writeFile(storage.layout.blob(file), bytes);
  const writer = await open(blobs, id);
  await writer.append(bytes);
  await assert.rejects(writer.promote(await writer.digest("sha256")), has("BLOB_UPLOAD_UNKNOWN"));
  await writer.close();
  assert.deepEqual([storage.listUploadFiles(), storage.listBlobFiles()], [[], [file]]);
});

Deno.test("a session without a file is touched as long as somebody has it", async () => {
  using storage = new TempStorage();
  const [first, second] = openTwo(storage);
  const id = await start(first);
  assert.equal(await second.uploadTouchedAt(id), undefined);
  const writer = await open(first, id);
  await writer.append(randomBytes(10));
  assert.ok((await second.uploadTouchedAt(id))! > Date.now() - 60_000);
  await writer.close();
  await Deno.utime(storage.layout.upload(id), 1000, 1_700_000_000);
  const again = await open(first, id);
  assert.equal(await second.uploadTouchedAt(id), 1_700_000_000_000, "the time of the last byte that came");
  await again.close();
});

Deno.test("a small blob that was cut before its transaction goes back to its session, whole or not", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const [blobs] = openTwo(storage);
  const session: UploadSessionId = await metadata.start(repo("a"), 1000);
  await blobs.createUpload(session);
  const bytes = randomBytes(1000);
  const writer = await open(blobs, session);
  await writer.append(bytes);
  const file = await writer.promote(await writer.digest("sha256"));
  await writer.close();
  await Deno.truncate(storage.layout.blob(file), 400);
  assert.equal(recoverUploads(storage.layout, metadata.database).returnedUploads, 1);
  assert.deepEqual([storage.listUploadFiles(), storage.listBlobFiles()], [[session], []]);
  const again = await open(openTwo(storage)[0], session);
  assert.equal(again.offset, 400);
  await again.append(bytes.slice(400));
  assert.equal(await again.digest("sha256"), digestOf(bytes));
  await again.close();
});

Deno.test("no descriptor stays open", async () => {
  using storage = new TempStorage();
  const [blobs] = openTwo(storage);
  const before = await countOpenFiles();
  for (let i = 0; i < 50; i++) {
    const writer = await open(blobs, await start(blobs));
    await writer.append(randomBytes(i % 2 === 0 ? 10 : 200_000));
    if (i % 3 > 0) await writer.promote(await writer.digest("sha256"));
    await writer.close();
    await (await open(blobs, makeUploadSessionId())).close();
  }
  assert.ok(await countOpenFiles() - before < 10);
});
