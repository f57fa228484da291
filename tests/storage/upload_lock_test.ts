/** An upload session is written by one at a time, whichever thread that is in. */
import assert from "node:assert/strict";
import { blobFileOf } from "../../src/storage/files/layout.ts";
import { until } from "../harness/until.ts";
import type { UploadWriter } from "../../src/ports/blob_store.ts";
import { digestOf, randomBytes } from "../model/bytes.ts";
import { TempStorage } from "./temp_storage.ts";
import { appendAll, has, MiB, open, start } from "./upload_session.ts";
import type { UploadThreadCall } from "./upload_thread.ts";

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
  let writer: UploadWriter | undefined;
  // The system closes a dead thread's files when it gets to it.
  await until(async () => (writer = await blobs.openUpload(id, "sha256")) !== undefined);
  assert.ok(writer !== undefined);
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
