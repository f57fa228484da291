/** Upload sessions are written by one at a time, in any thread, and what is hashed is what lies on the disk. */
import assert from "node:assert/strict";
import type { DigestAlgorithm } from "../../src/core/digest.ts";
import { type ErrorCode, OciError } from "../../src/core/oci_error.ts";
import { makeUploadSessionId, type UploadSessionId } from "../../src/core/upload_session_id.ts";
import type { BlobStore, UploadWriter } from "../../src/ports/blob_store.ts";
import { FreeSpace } from "../../src/storage/files/free_space.ts";
import { HashProgresses } from "../../src/storage/files/hash_progress.ts";
import { blobFileOf } from "../../src/storage/files/layout.ts";
import { FileUploadWriter } from "../../src/storage/files/upload_writer.ts";
import { digestOf, randomBytes } from "../model/bytes.ts";
import { countOpenFiles, fakeDigest, readAll, TempStorage } from "./temp_storage.ts";
import type { UploadThreadCall } from "./upload_thread.ts";

const MiB = 1024 * 1024;

function has(code: ErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof OciError && error.code === code;
}

async function open(blobs: BlobStore, id: UploadSessionId, algorithm: DigestAlgorithm = "sha256") {
  return await blobs.openUpload(id, algorithm) ?? assert.fail("the session is locked");
}

async function start(blobs: BlobStore): Promise<UploadSessionId> {
  const id = makeUploadSessionId();
  await blobs.createUpload(id);
  return id;
}

/** Appends in pieces of `step` bytes. */
async function appendAll(writer: UploadWriter, bytes: Uint8Array, step = 64 * 1024): Promise<void> {
  for (let at = 0; at < bytes.length; at += step) await writer.append(bytes.slice(at, at + step));
}

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

Deno.test("one writer at a time: the lock keeps out the same store, another store and another thread", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const id = await start(blobs);
  const writer = await open(blobs, id);
  assert.equal(await blobs.openUpload(id, "sha256"), undefined);
  assert.equal(await storage.openBlobs().openUpload(id, "sha256"), undefined);
  await using thread = new UploadThread(storage.layout.rootDir);
  assert.equal(await thread.call({ kind: "open", id, algorithm: "sha256" }), undefined);
  await writer.close();
  assert.equal(await thread.call({ kind: "open", id, algorithm: "sha256" }), 0);
  assert.equal(await blobs.openUpload(id, "sha256"), undefined);
});

Deno.test("a thread that dies gives its lock back with what it wrote", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const id = await start(blobs);
  const bytes = randomBytes(MiB);
  {
    await using thread = new UploadThread(storage.layout.rootDir);
    await thread.call({ kind: "open", id, algorithm: "sha256" });
    await thread.call({ kind: "append", bytes });
    await thread.call({ kind: "digest", algorithm: "sha256" });
  }
  const writer = await waitFor(() => blobs.openUpload(id, "sha256"));
  assert.equal(writer.offset, MiB);
  assert.equal(await writer.digest("sha256"), digestOf(bytes));
  await writer.close();
});

Deno.test("an upload begun in one thread is finished in another", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const bytes = randomBytes(MiB);
  const digest = digestOf(bytes);
  const id = await start(blobs);
  const writer = await open(blobs, id);
  await appendAll(writer, bytes.slice(0, MiB / 2));
  await writer.close();
  await using thread = new UploadThread(storage.layout.rootDir);
  assert.equal(await thread.call({ kind: "open", id, algorithm: "sha256" }), MiB / 2);
  await thread.call({ kind: "append", bytes: bytes.slice(MiB / 2) });
  assert.equal(await thread.call({ kind: "digest", algorithm: "sha256" }), digest);
  assert.equal(await thread.call({ kind: "promote", digest }), blobFileOf(digest, id));
  await thread.call({ kind: "close" });
  await assert.rejects(blobs.openUpload(id, "sha256"), has("BLOB_UPLOAD_UNKNOWN"));
});

Deno.test("a writer that opened the file before another's finish never gets to append to the finished blob", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const bytes = randomBytes(1000);
  const digest = digestOf(bytes);
  const id = await start(blobs);
  const writer = await open(blobs, id);
  await writer.append(bytes);
  await writer.digest("sha256");
  // The second request has the file open and asks for the lock only when the first is done.
  const { openAsync, release } = holdNextOpen();
  try {
    const second = storage.openBlobs().openUpload(id, "sha256");
    await openAsync;
    const file = await writer.promote(digest);
    await writer.close();
    release();
    await assert.rejects(second, has("BLOB_UPLOAD_UNKNOWN"));
    assert.deepEqual(await Deno.readFile(storage.layout.blob(file)), bytes);
  } finally {
    release();
  }
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
  const { writer } = openWith(storage, id, {
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

Deno.test("promote() syncs the bytes, then renames, then syncs the folder", async () => {
  using storage = new TempStorage();
  const id = await start(storage.openBlobs());
  const steps: string[] = [];
  const { writer, file } = openWith(storage, id, {
    async syncData() {
      steps.push(`bytes of ${storage.listUploadFiles()}`);
      await file.syncData();
    },
  });
  await writer.append(randomBytes(10));
  const digest = await writer.digest("sha256");
  const { sync } = Deno.FsFile.prototype;
  Deno.FsFile.prototype.sync = function () {
    steps.push(`folder of ${storage.listBlobFiles()}`);
    return sync.call(this);
  };
  try {
    const blob = await writer.promote(digest);
    assert.deepEqual(steps, [`bytes of ${id}`, `folder of ${blob}`]);
  } finally {
    Deno.FsFile.prototype.sync = sync;
  }
  await writer.close();
});

Deno.test("a full disk is INSUFFICIENT_STORAGE at the append, and again until the writer is closed", async () => {
  using storage = new TempStorage();
  const id = await start(storage.openBlobs());
  const full = () =>
    openWith(storage, id, {
      write: () => Promise.reject(new Error("No space left on device (os error 28)")),
    });
  const { writer } = full();
  await assert.rejects(appendAll(writer, randomBytes(4 * MiB)), has("INSUFFICIENT_STORAGE"));
  await assert.rejects(writer.append(randomBytes(1)), has("INSUFFICIENT_STORAGE"));
  await assert.rejects(writer.digest("sha256"), has("INSUFFICIENT_STORAGE"));
  await writer.close();
  const { writer: small } = full();
  await small.append(randomBytes(1));
  await assert.rejects(small.digest("sha256"), has("INSUFFICIENT_STORAGE"));
  await small.close();
});

Deno.test("after a write that took a part, the session goes on from what the file holds", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  const id = await start(blobs);
  const bytes = randomBytes(2 * MiB);
  const { writer } = openWith(storage, id, {
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
  await assert.rejects(blobs.createUpload(makeUploadSessionId()), has("INSUFFICIENT_STORAGE"));
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

Deno.test("a finished blob cannot be opened as an upload session, whatever id is asked for", async () => {
  using storage = new TempStorage();
  const blobs = storage.openBlobs();
  await assert.rejects(blobs.openUpload(makeUploadSessionId(), "sha256"), has("BLOB_UPLOAD_UNKNOWN"));
  assert.equal(await blobs.uploadSize(makeUploadSessionId()), 0);
  assert.equal(await blobs.isWhole(blobFileOf(fakeDigest(1), makeUploadSessionId()), 0), false);
});

/** A writer on a file some of whose methods are replaced. */
function openWith(storage: TempStorage, id: UploadSessionId, replaced: Record<string, unknown>) {
  const { layout } = storage;
  const file = Deno.openSync(layout.upload(id), { read: true, write: true });
  const faulty = new Proxy(file, {
    get(target, name) {
      const value = replaced[name as string] ?? Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  const space = new FreeSpace(layout.uploads, 0);
  return { writer: new FileUploadWriter(layout, id, faulty, 0, "sha256", space, new HashProgresses()), file };
}

/** Lets the next Deno.open() open its file and wait with the answer for `release()`. */
function holdNextOpen() {
  const opened = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  const { open } = Deno;
  Deno.open = async (path, options) => {
    Deno.open = open;
    const file = await open(path, options);
    opened.resolve();
    await released.promise;
    return file;
  };
  return {
    openAsync: opened.promise,
    release(): void {
      Deno.open = open;
      released.resolve();
    },
  };
}

/** The system closes a dead thread's files when it gets to it. */
async function waitFor<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (let i = 0; i < 500; i++) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.fail("did not happen within 5 s");
}

/** Uploads in another thread. */
class UploadThread implements AsyncDisposable {
  readonly #worker = new Worker(new URL("./upload_thread.ts", import.meta.url), { type: "module" });

  constructor(rootDir: string) {
    this.#worker.postMessage(rootDir);
  }

  call(call: UploadThreadCall): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }) => "error" in data ? reject(data.error) : resolve(data.value);
      this.#worker.onerror = (event) => reject(new Error(event.message));
      this.#worker.postMessage(call);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#worker.terminate();
  }
}
