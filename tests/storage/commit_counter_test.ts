/** What a reader remembers while the counter of commits stands still is never older than an acknowledged write. */
import assert from "node:assert/strict";
import { CommitCounter } from "../../src/storage/sqlite/commit_counter.ts";
import { GroupCommit } from "../../src/storage/sqlite/group_commit.ts";
import { openForReading, openForWriting } from "../../src/storage/sqlite/open_database.ts";
import { SqliteReader } from "../../src/storage/sqlite/sqlite_reader.ts";
import type { Reference } from "../../src/core/reference.ts";
import type { CountedReads, StartCountedReads } from "./counted_read_thread.ts";
import { push, repo, tag, TempStorage } from "./temp_storage.ts";

const A = repo("a");
const V1: Reference = { kind: "tag", tag: tag("v1") };

function openCounted(storage: TempStorage) {
  const database = openForWriting(storage.layout.database);
  const commits = new CommitCounter();
  const commit = new GroupCommit(database, undefined, commits);
  return {
    database,
    commits,
    moveTag: (to: string) =>
      commit.run([{ name: "putManifest", args: [push(A, to, { tags: [tag("v1")] })] }])[0]!,
    [Symbol.dispose]: () => commit.close(),
  };
}

Deno.test("the counter is settled before and after a transaction, also after one that failed, and never comes back to a number", () => {
  using storage = new TempStorage();
  using writer = openCounted(storage);
  const numbers = [writer.commits.settled];
  assert.ok(writer.moveTag("1").ok);
  numbers.push(writer.commits.settled);
  writer.database.exec("PRAGMA query_only = ON");
  assert.equal(writer.moveTag("2").ok, false);
  numbers.push(writer.commits.settled);
  writer.database.exec("PRAGMA query_only = OFF");
  assert.ok(numbers.every((number) => number !== undefined));
  assert.equal(new Set(numbers).size, 3);
  writer.commits.begin();
  assert.equal(
    new CommitCounter(writer.commits.shared).settled,
    undefined,
    "under way, as another thread sees it",
  );
  writer.commits.end();
});

Deno.test("a reader does not ask the database while the counter stands still, and asks while a transaction is under way", () => {
  using storage = new TempStorage();
  using writer = openCounted(storage);
  writer.moveTag("1");
  const reader = new SqliteReader(openForReading(storage.layout.database), {
    cacheBytes: 1_000_000,
    commits: writer.commits,
  });
  const seen = () => new TextDecoder().decode(reader.findManifest(A, V1)!.bytes);
  assert.equal(seen(), "1");
  // Behind the counter's back, as no part of the program writes.
  const moveBehind = (to: string) => {
    const other = new GroupCommit(writer.database);
    assert.ok(other.run([{ name: "putManifest", args: [push(A, to, { tags: [tag("v1")] })] }])[0]!.ok);
  };
  moveBehind("2");
  assert.equal(seen(), "1", "nothing was said, so nothing was asked");
  writer.commits.begin();
  assert.equal(seen(), "2", "a commit may have happened that is not counted yet");
  moveBehind("3");
  assert.equal(seen(), "3", "and again");
  writer.commits.end();
  assert.equal(seen(), "3");
  reader.close();
});

Deno.test("threads that read one tag without a pause never see less than was acknowledged, nor step back", async () => {
  using storage = new TempStorage();
  using writer = openCounted(storage);
  writer.moveTag("1");
  const progress = new SharedArrayBuffer(8);
  const [acknowledged, over] = [0, 1];
  const view = new Int32Array(progress);
  const readers = [1, 2].map(() => {
    const worker = new Worker(new URL("./counted_read_thread.ts", import.meta.url), { type: "module" });
    const reading = Promise.withResolvers<void>();
    const result = Promise.withResolvers<CountedReads>();
    worker.onmessage = ({ data }) => data === "reading" ? reading.resolve() : result.resolve(data);
    worker.onerror = (event) => result.reject(new Error(event.message));
    worker.postMessage(
      {
        databasePath: storage.layout.database,
        commits: writer.commits.shared,
        progress,
      } satisfies StartCountedReads,
    );
    return { worker, reading: reading.promise, result: result.promise };
  });
  try {
    await Promise.all(readers.map(({ reading }) => reading));
    for (let move = 2; move < 1500; move++) {
      assert.ok(writer.moveTag(String(move)).ok);
      Atomics.store(view, acknowledged, move);
    }
    Atomics.store(view, over, 1);
    for (const { stale, backwards, reads, seen } of await Promise.all(readers.map(({ result }) => result))) {
      assert.deepEqual({ stale, backwards }, { stale: 0, backwards: 0 });
      assert.ok(reads > seen && seen > 10, `${reads} reads saw ${seen} manifests`);
    }
  } finally {
    Atomics.store(view, over, 1);
    for (const { worker } of readers) worker.terminate();
  }
});
