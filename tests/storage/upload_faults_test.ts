/** What fails under an upload is told, and no byte that failed counts. */
import assert from "node:assert/strict";
import { makeUploadSessionId, type UploadSessionId } from "../../src/core/upload_session_id.ts";
import { FreeSpace } from "../../src/storage/files/free_space.ts";
import { UploadHashes } from "../../src/storage/files/upload_hash.ts";
import { WriteBuffers } from "../../src/storage/files/write_buffers.ts";
import { FileUploadWriter } from "../../src/storage/files/upload_writer.ts";
import { recoverUploads } from "../../src/storage/recover.ts";
import { digestOf, randomBytes } from "../model/bytes.ts";
import { countOpenFiles, repo, TempStorage } from "./temp_storage.ts";
import { appendAll, has, MiB, open, start } from "./upload_session.ts";

Deno.test("a session that is cancelled under its writer ends in BLOB_UPLOAD_UNKNOWN, without a blob", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const id = await start(blobs);
  const writer = await open(blobs, id);
  await writer.append(randomBytes(10));
  await blobs.removeUpload(id);
  await writer.append(randomBytes(10));
  const digest = await writer.digest("sha256");
  await assert.rejects(writer.promote(digest), has("BLOB_UPLOAD_UNKNOWN"));
  await writer.close();
  assert.deepEqual(storage.listBlobFiles(), []);
  assert.equal(await blobs.uploadTouchedAt(id), undefined);
});

Deno.test("a failed fdatasync fails the finish and drops the bytes: there is no second try", async () => {
  using storage = new TempStorage();
  const id = await start(storage.openBlobs());
  let syncs = 0;
  const { writer } = await openWith(storage, id, {
    syncData() {
      syncs++;
      return Promise.reject(new Error("I/O error (os error 5)"));
    },
  });
  await writer.append(randomBytes(10));
  const digest = await writer.digest("sha256");
  await assert.rejects(writer.promote(digest), /os error 5/);
  await writer.close();
  assert.equal(syncs, 1);
  assert.deepEqual(storage.listUploadFiles(), []);
  assert.deepEqual(storage.listBlobFiles(), []);
});

for (const end of ["promote", "close"] as const) {
  Deno.test(`a sync that fails while the upload still comes fails ${end}(), and the bytes are dropped`, async () => {
    using storage = new TempStorage();
    const id = await start(storage.openBlobs());
    let syncs = 0;
    const { writer } = await openWith(storage, id, {}, {
      syncData() {
        syncs++;
        return Promise.reject(new Error("I/O error (os error 5)"));
      },
    });
    await appendAll(writer, new Uint8Array(140 * MiB), 8 * MiB);
    const digest = await writer.digest("sha256");
    if (end === "promote") await assert.rejects(writer.promote(digest), /os error 5/);
    await (end === "close" ? assert.rejects(writer.close(), /os error 5/) : writer.close());
    assert.equal(syncs, 1, "a sync that failed is not tried again");
    assert.deepEqual(storage.listUploadFiles(), []);
    assert.deepEqual(storage.listBlobFiles(), []);
  });
}

Deno.test("a large upload is synced while it comes, on a file of its own that is closed at the end", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const id = await start(blobs);
  let syncs = 0;
  const syncing = await Deno.open(storage.layout.upload(id));
  const { writer, file } = await openWith(storage, id, {}, {
    async syncData() {
      syncs++;
      await syncing.syncData();
    },
    close: () => syncing.close(),
  });
  await appendAll(writer, new Uint8Array(140 * MiB), 8 * MiB);
  await writer.promote(await writer.digest("sha256"));
  assert.ok(syncs > 0);
  assert.throws(() => syncing.statSync(), Deno.errors.BadResource);
  await writer.close();
  assert.throws(() => file.statSync(), Deno.errors.BadResource);
});

Deno.test("a failed fsync of the folder fails the finish and drops the bytes", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const writer = await open(blobs, await start(blobs));
  await writer.append(randomBytes(10));
  const digest = await writer.digest("sha256");
  const { sync } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.sync = () => Promise.reject(new Error("I/O error (os error 5)"));
  try {
    await assert.rejects(writer.promote(digest), /os error 5/);
  } finally {
    Deno.FsFile.prototype.sync = sync;
  }
  await writer.close();
  assert.deepEqual(storage.listUploadFiles(), []);
  assert.deepEqual(storage.listBlobFiles(), []);
});

Deno.test("promote() renames, then syncs bytes and folder side by side, and ends with the later one", async () => {
  using storage = new TempStorage();
  const id = await start(storage.openBlobs());
  const begun: string[] = [];
  const [bytes, folder] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const both = Promise.withResolvers<void>();
  const begin = (what: string, until: Promise<void>) => {
    begun.push(`${what} of ${storage.listBlobFiles()}`);
    if (begun.length === 2) both.resolve();
    return until;
  };
  const { writer } = await openWith(storage, id, { syncData: () => begin("bytes", bytes.promise) });
  await writer.append(randomBytes(10));
  const digest = await writer.digest("sha256");
  const { sync } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.sync = () => begin("folder", folder.promise);
  try {
    let ended = false;
    const promoting = writer.promote(digest).finally(() => ended = true);
    await both.promise;
    assert.deepEqual(storage.listUploadFiles(), []);
    folder.resolve();
    await folder.promise;
    await Deno.stat(storage.layout.uploads);
    assert.equal(ended, false, "the bytes are not safe yet");
    bytes.resolve();
    const blob = await promoting;
    assert.deepEqual(begun.sort(), [`bytes of ${blob}`, `folder of ${blob}`]);
  } finally {
    Deno.FsFile.prototype.sync = sync;
  }
  await writer.close();
});

Deno.test("what a power cut leaves of an upload that was renamed before it was synced is never taken for the blob", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const blobs = storage.openBlobs();
  const bytes = randomBytes(1000);
  const session = await metadata.start(repo("a"), 1000);
  await blobs.createUpload(session);
  const writer = await open(blobs, session);
  await writer.append(bytes);
  const file = await writer.promote(await writer.digest("sha256"));
  await writer.close();
  // The name reached the disk, and of the bytes only their number.
  await Deno.writeFile(storage.layout.blob(file), new Uint8Array(1000));

  assert.equal(recoverUploads(storage.layout, metadata.database).returnedUploads, 1);
  assert.deepEqual(storage.listBlobFiles(), []);
  const again = await open(storage.openBlobs(), session);
  assert.notEqual(await again.digest("sha256"), digestOf(bytes), "the session's next finish is refused");
  await again.close();
});

Deno.test("a full disk is INSUFFICIENT_STORAGE at the append, and again until the writer is closed", async () => {
  using storage = new TempStorage();
  const id = await start(storage.openBlobs());
  const full = () =>
    openWith(storage, id, {
      write: () => Promise.reject(new Error("No space left on device (os error 28)")),
    });
  const { writer } = await full();
  await assert.rejects(appendAll(writer, randomBytes(4 * MiB)), has("INSUFFICIENT_STORAGE"));
  await assert.rejects(writer.append(randomBytes(1)), has("INSUFFICIENT_STORAGE"));
  await assert.rejects(writer.digest("sha256"), has("INSUFFICIENT_STORAGE"));
  await writer.close();
  const { writer: small } = await full();
  await small.append(randomBytes(1));
  await assert.rejects(small.digest("sha256"), has("INSUFFICIENT_STORAGE"));
  await small.close();
});

Deno.test("close() tells that accepted bytes found no room, once and only when nobody was told before", async () => {
  using storage = new TempStorage();
  const id = await start(storage.openBlobs());
  const full = { write: () => Promise.reject(new Error("No space left on device (os error 28)")) };
  const { writer } = await openWith(storage, id, full);
  await writer.append(randomBytes(10));
  await assert.rejects(writer.close(), has("INSUFFICIENT_STORAGE"));
  await writer.close();
  const { writer: told } = await openWith(storage, id, full);
  await told.append(randomBytes(10));
  await assert.rejects(told.digest("sha256"), has("INSUFFICIENT_STORAGE"));
  await told.close();
  assert.equal(await storage.openBlobs().uploadSize(id), 0, "the offset is that of the file");
});

Deno.test("after a write that took a part, the session goes on from what the file holds", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const id = await start(blobs);
  const bytes = randomBytes(2 * MiB);
  const { writer } = await openWith(storage, id, {
    async write(part: Uint8Array) {
      const { size } = file.statSync();
      if (size > 0) {
        throw Object.assign(new Error("No space left on device (os error 28)"), { code: "ENOSPC" });
      }
      return await file.write(part.subarray(0, 100_000));
    },
  });
  using file = await Deno.open(storage.layout.upload(id), { append: true });
  await assert.rejects(appendAll(writer, bytes), has("INSUFFICIENT_STORAGE"));
  await writer.close();
  const next = await open(blobs, id);
  assert.equal(next.offset, 100_000);
  await appendAll(next, bytes.slice(100_000));
  assert.equal(await next.digest("sha256"), digestOf(bytes));
  await next.close();
});

Deno.test("many small pieces stop at the minimum of free space like one large one", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs({ minimumFreeSpace: 2 ** 50 });
  await assert.rejects(blobs.requireRoom(), has("INSUFFICIENT_STORAGE"));
  assert.deepEqual(storage.listUploadFiles(), [], "nothing is left behind");
  // Sessions from when there was room: each request brings less than the 64 MiB between two looks.
  const piece = new Uint8Array(4 * MiB);
  let written = 0;
  const pushing = async (): Promise<void> => {
    for (let i = 0; i < 40; i++) {
      const id = await start(storage.openBlobs());
      const writer = await open(blobs, id);
      try {
        await writer.append(piece);
        written += piece.length;
      } finally {
        await writer.close();
        await blobs.removeUpload(id);
      }
    }
  };
  await assert.rejects(pushing(), has("INSUFFICIENT_STORAGE"));
  assert.ok(written <= 64 * MiB, `${written} bytes were taken`);
});

Deno.test("close() is safe after a failure and more than once, and closes the file", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const id = await start(blobs);
  const before = await countOpenFiles();
  for (let i = 0; i < 100; i++) {
    const writer = await open(blobs, id);
    await blobs.openUpload(id, "sha256");
    await writer.close();
    await writer.close();
    await assert.rejects(blobs.openUpload(makeUploadSessionId(), "sha256"), has("BLOB_UPLOAD_UNKNOWN"));
  }
  assert.ok(await countOpenFiles() - before < 10);
});

/** A writer on a file some of whose methods are replaced; `sync` is what it syncs early with. */
async function openWith(
  storage: TempStorage,
  id: UploadSessionId,
  replaced: Record<string, unknown>,
  sync = {},
) {
  const { layout } = storage;
  const file = Deno.openSync(layout.upload(id), { read: true, write: true });
  const faulty = new Proxy(file, {
    get(target, name) {
      const value = replaced[name as string] ?? Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const means = {
    layout,
    space: new FreeSpace(layout.uploads, 0),
    hashes: new UploadHashes(),
    buffers: new WriteBuffers(),
    smallLimit: -1,
  };
  const hash = await means.hashes.take(id, "sha256", 0);
  const openForSync = async () => ({ close() {}, ...sync }) as Deno.FsFile;
  return { writer: new FileUploadWriter(means, id, faulty, 0, hash, openForSync), file };
}
