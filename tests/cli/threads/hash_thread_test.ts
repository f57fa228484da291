/** The threads that hash large uploads, as HTTP threads use them. */
import assert from "node:assert/strict";
import type { HashAnswer, HashQuestion } from "../../../src/cli/threads/hash_thread.ts";
import { openCalls, PortCalls } from "../../../src/cli/threads/port_calls.ts";
import { RemoteSessionHashes } from "../../../src/cli/threads/remote_session_hashes.ts";
import { NOTHING } from "../../../src/cli/threads/no_permissions.ts";
import { makeUploadSessionId } from "../../../src/core/upload_session_id.ts";
import { digestOf, randomBytes } from "../../model/bytes.ts";
import { TempStorage } from "../../storage/temp_storage.ts";
import { appendAll, MiB, open, start } from "../../storage/upload_session.ts";

/** Threads as the program starts them, with no permission at all, and what those that ask them have. */
class HashThreads implements Disposable {
  readonly #workers: (Worker | undefined)[] = [];
  readonly #ports: MessagePort[] = [];
  /** What reached the threads. */
  readonly asked: HashQuestion[] = [];

  /** What one HTTP thread has. */
  open(threads = 1): RemoteSessionHashes {
    return new RemoteSessionHashes(threads, async (index) => {
      const worker = this.#workers[index] ??= new Worker(
        new URL("../../../src/cli/threads/hash_thread.ts", import.meta.url),
        { type: "module", deno: { permissions: NOTHING } },
      );
      const port = openCalls(worker);
      this.#ports.push(port);
      const calls = new PortCalls<HashQuestion, HashAnswer>(port, "hash");
      return {
        call: (question: HashQuestion, transfer?: ArrayBuffer[]) => {
          this.asked.push(question);
          return calls.call(question, transfer);
        },
      } as typeof calls;
    });
  }

  get started(): number {
    return this.#workers.filter((worker) => worker !== undefined).length;
  }

  [Symbol.dispose](): void {
    for (const port of this.#ports) port.close();
    for (const worker of this.#workers) worker?.terminate();
  }
}

Deno.test("a hash that another thread works out takes the buffers and gives the same memory back", async () => {
  using threads = new HashThreads();
  const { hash } = await threads.open().take(makeUploadSessionId(), "sha512", 0);
  const bytes = new Uint8Array(randomBytes(MiB));
  const sent = bytes.slice();
  const update = hash.update(sent.subarray(0, 1000));
  assert.equal(sent.length, 0, "the buffer was not given away");
  const back = await update;
  assert.equal(back.length, 1000);
  assert.deepEqual(new Uint8Array(back.buffer), bytes);
  assert.equal(await hash.digest(), digestOf(bytes.subarray(0, 1000), "sha512"));
  await hash.update(bytes.slice(1000));
  assert.equal(await hash.digest(), digestOf(bytes, "sha512"));
});

Deno.test("uploads at the same time share some threads, do not mix, and those that end are forgotten", async () => {
  using threads = new HashThreads();
  const hashes = threads.open(3);
  const algorithmOf = (i: number) => i % 2 === 0 ? "sha256" : "sha512";
  const contents = Array.from({ length: 20 }, () => randomBytes(300_000));
  const digests = await Promise.all(contents.map(async (content, i) => {
    const taken = await hashes.take(makeUploadSessionId(), algorithmOf(i), 0);
    for (let at = 0; at < content.length; at += 50_000) {
      // Without waiting: the order has to hold all the same.
      taken.hash.update(new Uint8Array(content.slice(at, at + 50_000)));
    }
    const digest = await taken.hash.digest();
    hashes.end(taken);
    await assert.rejects(taken.hash.digest(), /is not taken out/);
    return digest;
  }));
  assert.deepEqual(digests, contents.map((content, i) => digestOf(content, algorithmOf(i))));
  assert.ok(threads.started > 1);
});

Deno.test("a small upload does without the threads", async () => {
  using threads = new HashThreads();
  using storage = new TempStorage();
  const blobs = storage.openBlobs({ longHashes: threads.open() });
  const bytes = randomBytes(100_000);
  const id = await start(blobs);
  for (const half of [bytes.slice(0, 50_000), bytes.slice(50_000)]) {
    const writer = await open(blobs, id);
    await appendAll(writer, half);
    await writer.close();
  }
  const writer = await open(blobs, id);
  const digest = await writer.digest("sha256");
  assert.equal(digest, digestOf(bytes));
  await writer.promote(digest);
  await writer.close();
  assert.deepEqual(threads.asked, []);
});

Deno.test("a large upload whose requests come to two HTTP threads in turn is hashed once", async () => {
  using threads = new HashThreads();
  using storage = new TempStorage();
  const stores = [0, 1].map(() => storage.openBlobs({ longHashes: threads.open() }));
  const bytes = randomBytes(7 * MiB + 7);
  const id = await start(stores[0]!);
  for (let i = 0; i < 5; i++) {
    const writer = await open(stores[i % 2]!, id);
    await appendAll(writer, bytes.slice(i * 1_500_000, (i + 1) * 1_500_000), 60_000);
    await writer.close();
  }
  const writer = await open(stores[1]!, id);
  assert.equal(await writer.digest("sha256"), digestOf(bytes));
  const hashed = threads.asked.reduce((sum, { kind }) => sum + Number(kind === "update"), 0);
  assert.ok(hashed < 40, `${hashed} buffers were hashed`);
  // Which reads the file once more.
  assert.equal(await writer.digest("sha512"), digestOf(bytes, "sha512"));
  await writer.close();
});

Deno.test("an upload that failed leaves no hash that does not fit its file", async () => {
  using threads = new HashThreads();
  using storage = new TempStorage();
  const stores = [0, 1].map(() => storage.openBlobs({ longHashes: threads.open() }));
  const id = await start(stores[0]!);
  const { write } = Deno.FsFile.prototype;
  const first = await open(stores[0]!, id);
  Deno.FsFile.prototype.write = function (bytes) {
    return write.call(this, bytes.subarray(0, 1000)).then(() => Promise.reject(new Error("I/O error")));
  };
  try {
    await appendAll(first, randomBytes(MiB), 60_000);
    await assert.rejects(first.close(), /I\/O error/);
  } catch (error) {
    assert.match((error as Error).message, /I\/O error/);
    await first.close();
  } finally {
    Deno.FsFile.prototype.write = write;
  }
  const rest = randomBytes(2 * MiB);
  const next = await open(stores[1]!, id);
  assert.equal(next.offset, 1000);
  await appendAll(next, rest);
  const whole = await Deno.readFile(storage.layout.upload(id)).then((start) => start.slice(0, 1000));
  const expected = new Uint8Array(1000 + rest.length);
  expected.set(whole);
  expected.set(rest, 1000);
  assert.equal(await next.digest("sha256"), digestOf(expected));
  await next.close();
});
