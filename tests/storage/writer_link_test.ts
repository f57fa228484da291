/** Writes reach the writer thread from many threads at once, share transactions, and their results find the way back. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { OciError } from "../../src/core/oci_error.ts";
import { makeUploadSessionId } from "../../src/core/upload_session_id.ts";
import { openForReading } from "../../src/storage/sqlite/open_database.ts";
import { SqliteMetadataStore } from "../../src/storage/sqlite/sqlite_metadata_store.ts";
import { SqliteReader } from "../../src/storage/sqlite/sqlite_reader.ts";
import { SqliteWithdrawals } from "../../src/storage/sqlite/sqlite_scrub_store.ts";
import { RemoteWriter } from "../../src/storage/sqlite/writer_link.ts";
import { fakeDigest, makeSession, push, reference, repo, tag, TempStorage } from "./temp_storage.ts";
import type { ToTestWriter } from "./writer_thread.ts";

const A = repo("a");

/** A writer in a thread of its own, and ways to it. */
class TestWriter implements AsyncDisposable {
  readonly #worker = new Worker(new URL("./writer_thread.ts", import.meta.url), { type: "module" });
  readonly #ports: MessagePort[] = [];
  readonly #readers: SqliteReader[] = [];
  readonly #databasePath: string;

  constructor(storage: TempStorage) {
    storage.openMetadata()[Symbol.dispose]();
    this.#databasePath = storage.layout.database;
    this.#worker.postMessage(this.#databasePath);
  }

  openPort(): RemoteWriter {
    const { port1, port2 } = new MessageChannel();
    this.#ports.push(port1);
    this.#worker.postMessage({ kind: "serve", port: port2 } satisfies ToTestWriter, [port2]);
    return new RemoteWriter(port1);
  }

  openStore(): SqliteMetadataStore {
    const reader = new SqliteReader(openForReading(this.#databasePath), { cacheBytes: 0 });
    this.#readers.push(reader);
    return new SqliteMetadataStore(reader, this.openPort());
  }

  /** Sizes of the transactions so far. */
  ask(message: ToTestWriter): Promise<number[]> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }) => resolve(data);
      this.#worker.onerror = (event) => reject(new Error(event.message));
      this.#worker.postMessage(message);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const reader of this.#readers) reader.close();
    for (const port of this.#ports) port.close();
    this.#worker.terminate();
  }
}

Deno.test("16 callers on 4 ports: every write is done once, is visible when it is answered, and shares its transaction", async () => {
  using storage = new TempStorage();
  await using writer = new TestWriter(storage);
  const stores = Array.from({ length: 4 }, () => writer.openStore());
  const rounds = 20;
  const call = async (caller: number): Promise<void> => {
    const store = stores[caller % 4]!;
    for (let round = 0; round < rounds; round++) {
      const manifest = push(A, `caller ${caller} round ${round}`, { tags: [tag(`t${caller}`)] });
      assert.deepEqual(await store.putManifest(manifest), { kind: "stored" });
      // Any thread sees it now, since the result came after the commit.
      const other = stores[(caller + 1) % 4]!;
      assert.equal(
        (await other.findManifest(A, { kind: "tag", tag: tag(`t${caller}`) }))?.digest,
        manifest.digest,
      );
    }
  };
  await Promise.all(Array.from({ length: 16 }, (_, caller) => call(caller)));
  const groups = await writer.ask({ kind: "groups" });
  assert.equal(groups.reduce((sum, size) => sum + size, 0), 16 * rounds);
  assert.ok(groups.length < 16 * rounds / 2, `${groups.length} transactions for ${16 * rounds} writes`);
  assert.equal((await stores[0]!.listTags(A, { limit: 100 })).length, 16);
});

Deno.test("what waits on all ports goes into one transaction, of 256 commands at most, no port left behind", async () => {
  using storage = new TempStorage();
  await using writer = new TestWriter(storage);
  const ports = Array.from({ length: 4 }, () => writer.openPort());
  await Promise.all(ports.map((port) => port.run({ name: "ping", args: [] })));
  const before = (await writer.ask({ kind: "groups" })).length;
  const paused = writer.ask({ kind: "pause", ms: 200 });
  const finished: number[] = [];
  const runs = ports.flatMap((port, i) =>
    Array.from({ length: i === 0 ? 4000 : 10 }, async () => {
      await port.run({ name: "ping", args: [] });
      finished.push(i);
    })
  );
  await paused;
  await Promise.all(runs);
  const groups = (await writer.ask({ kind: "groups" })).slice(before);
  assert.equal(groups.reduce((sum, size) => sum + size, 0), 4030);
  assert.equal(Math.max(...groups), 256);
  assert.ok(groups.length <= 30, `groups of ${groups}`);
  const quietDone = Math.max(...[1, 2, 3].map((i) => finished.lastIndexOf(i)));
  assert.ok(
    quietDone < 2000,
    `the busy port kept the others waiting: ${quietDone} results came before theirs`,
  );
});

Deno.test("writes that take long have a transaction each, and what came meanwhile does not wait for all of them", async () => {
  using storage = new TempStorage();
  await using writer = new TestWriter(storage);
  const [slow, quick] = [writer.openStore(), writer.openPort()];
  await quick.run({ name: "ping", args: [] });
  const before = (await writer.ask({ kind: "groups" })).length;
  const paused = writer.ask({ kind: "pause", ms: 200 });
  const finished: string[] = [];
  const indexes = Array.from({ length: 4 }, async (_, n) => {
    const references = Array.from({ length: 1001 }, (_, i) => reference("child", fakeDigest(n * 2000 + i)));
    assert.deepEqual(await slow.putManifest(push(A, `index ${n}`, { references })), { kind: "stored" });
    finished.push("long");
  });
  const pings = Array.from({ length: 10 }, async () => {
    await quick.run({ name: "ping", args: [] });
    finished.push("short");
  });
  await paused;
  await Promise.all([...indexes, ...pings]);
  const groups = (await writer.ask({ kind: "groups" })).slice(before);
  assert.deepEqual(groups.filter((size) => size > 0).toSorted((a, b) => a - b).slice(0, 4), [1, 1, 1, 1]);
  assert.ok(finished.lastIndexOf("short") < finished.lastIndexOf("long") - 1, finished.join());
  const database = openForReading(storage.layout.database);
  assert.equal(database.prepare("SELECT count(*) AS n FROM manifest_reference").get()!.n, 4004);
  database.close();
});

Deno.test("a large manifest with many references, and a small one that is a part of a larger buffer, arrive as they were", async () => {
  using storage = new TempStorage();
  await using writer = new TestWriter(storage);
  const store = writer.openStore();
  const references = Array.from({ length: 2000 }, (_, i) => reference("child", fakeDigest(i), i));
  const large = push(A, "large ".repeat(700_000), { references });
  const around = Buffer.from("before {small} after");
  const small = { ...push(A, "{small}"), bytes: new Uint8Array(around.subarray(7, 14)) };
  const view = { ...small, bytes: new Uint8Array(around.buffer, around.byteOffset + 7, 7) };
  const expected = [large, small].map(({ digest, bytes }) => ({ digest, bytes: bytes.slice() }));
  for (const manifest of [large, view]) {
    assert.deepEqual(await store.putManifest(manifest), { kind: "stored" });
  }
  for (const { digest, bytes } of expected) {
    assert.deepEqual((await store.findManifest(A, { kind: "digest", digest }))?.bytes, bytes);
  }
  const database = openForReading(storage.layout.database);
  const rows = database.prepare("SELECT digest FROM manifest_reference ORDER BY digest").all();
  database.close();
  assert.deepEqual(rows.map(({ digest }) => digest), references.map(({ digest }) => digest).sort());
});

Deno.test("the damaged bytes of a large manifest arrive as they were", async () => {
  using storage = new TempStorage();
  await using writer = new TestWriter(storage);
  const [store, withdrawals] = [writer.openStore(), new SqliteWithdrawals(writer.openPort())];
  const manifest = push(A, "large ".repeat(700_000));
  const { digest } = manifest;
  const damaged = manifest.bytes.slice();
  await store.putManifest(manifest);
  assert.equal(
    await withdrawals.withdrawContent(digest, damaged.subarray(1)),
    false,
    "other bytes are there",
  );
  assert.equal(await withdrawals.withdrawContent(digest, damaged), true);
  assert.equal(damaged.length, 4_200_000, "they are still the caller's");
});

Deno.test("results and arguments of every shape cross the threads", async () => {
  using storage = new TempStorage();
  await using writer = new TestWriter(storage);
  const store = writer.openStore();
  const session = makeSession(A);
  assert.equal(await store.startUpload(session), undefined);
  assert.equal(await store.cancelUpload(A, session.id), true);
  const missing = push(A, "m", { references: [reference("layer", fakeDigest(1))] });
  assert.deepEqual(await store.putManifest(missing), { kind: "blobs_missing", missing: [fakeDigest(1)] });
  const large = push(A, "x".repeat(4 * 1024 * 1024));
  const kept = large.bytes.slice();
  assert.deepEqual(await store.putManifest(large), { kind: "stored" });
  assert.equal(large.bytes.length, 0, "large bytes are given away and not copied");
  const found = await store.findManifest(A, { kind: "digest", digest: large.digest });
  assert.ok(found !== undefined && Buffer.compare(found.bytes, kept) === 0);
  await store.checkReady();
});

Deno.test("a fault crosses the threads with its message and the writer's stack, and touches nobody else", async () => {
  using storage = new TempStorage();
  await using writer = new TestWriter(storage);
  const store = writer.openStore();
  const session = makeSession(A);
  const [first, second, third] = await Promise.allSettled([
    store.startUpload(session),
    store.startUpload(session),
    store.startUpload({ ...session, id: makeUploadSessionId() }),
  ]);
  assert.equal(first.status, "fulfilled");
  assert.equal(third.status, "fulfilled");
  assert.ok(second.status === "rejected" && second.reason instanceof Error);
  assert.match(second.reason.message, /UNIQUE constraint failed: upload_session\.id/);
  assert.match(second.reason.stack!, /write_commands\.ts[^]*in the writer thread/);
});

Deno.test("a client's fault crosses the threads with code, status, detail and headers", async () => {
  using storage = new TempStorage();
  await using writer = new TestWriter(storage);
  const failing = writer.openPort().run({ name: "ping", args: ["fail as a client's fault"] });
  await assert.rejects(failing, (error) => {
    assert.ok(error instanceof OciError);
    const { code, status, message, detail, headers } = error;
    assert.deepEqual({ code, status, message, detail, headers }, {
      code: "DENIED",
      status: 418,
      message: "Cannot do this",
      detail: { n: 1 },
      headers: { allow: "GET" },
    });
    return true;
  });
});

Deno.test("a write to a writer that has closed is refused and does not end its thread", async () => {
  using storage = new TempStorage();
  await using writer = new TestWriter(storage);
  const port = writer.openPort();
  await writer.ask({ kind: "close" });
  for (let i = 0; i < 2; i++) {
    await assert.rejects(
      port.run({ name: "ping", args: [] }),
      (error) => error instanceof OciError && error.code === "UNAVAILABLE",
    );
  }
});
