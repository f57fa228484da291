/** One transaction for many writes: one fsync, no influence of one on another, no result before the commit. */
import assert from "node:assert/strict";
import { type DatabaseSync } from "node:sqlite";
import { OciError } from "../../src/core/oci_error.ts";
import { Ballast } from "../../src/storage/files/ballast.ts";
import { type Command, GroupCommit } from "../../src/storage/sqlite/group_commit.ts";
import { openForReading, openForWriting } from "../../src/storage/sqlite/open_database.ts";
import { WriteCommands } from "../../src/storage/sqlite/write_commands.ts";
import { LocalWriter } from "../../src/storage/sqlite/writer_link.ts";
import { makeUploadSessionId } from "../../src/core/upload_session_id.ts";
import { push, repo, tag, TempStorage } from "./temp_storage.ts";

const A = repo("a");

function start(id = makeUploadSessionId()): Command {
  return {
    name: "startUpload",
    args: [{ id, repository: A, algorithm: undefined, startedAt: 1, owner: "", hasFile: true }],
  };
}

function putManifest(text: string): Command {
  return { name: "putManifest", args: [push(A, text)] };
}

function count(database: DatabaseSync, table: string): number {
  return database.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n as number;
}

/** Lets the database grow by `pages` pages at most. */
function limitGrowth(database: DatabaseSync, pages: number): void {
  const { page_count } = database.prepare("PRAGMA page_count").get() as { page_count: number };
  database.exec(`PRAGMA max_page_count = ${page_count + pages}`);
}

Deno.test("one command that fails leaves no trace, and the others of its transaction succeed", () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const taken = makeUploadSessionId();
  const results = metadata.commit.run([
    start(taken),
    // Fails in its last statement, when the manifest and the repository are written already.
    { name: "putManifest", args: [push(A, "m", { tags: [tag("v1"), null as never] })] },
    start(taken),
    start(),
  ]);
  assert.deepEqual(results.map(({ ok }) => ok), [true, false, false, true]);
  assert.equal(count(metadata.database, "upload_session"), 2);
  for (const table of ["repository", "manifest", "content", "tag", "tag_history"]) {
    assert.equal(count(metadata.database, table), 0, table);
  }
});

Deno.test("the results of a group are in the order of its commands, each seeing the ones before it", () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const id = makeUploadSessionId();
  const results = metadata.commit.run([
    { name: "cancelUpload", args: [A, id] },
    start(id),
    { name: "cancelUpload", args: [repo("other"), id] },
    { name: "cancelUpload", args: [A, id] },
    { name: "ping", args: [] },
  ]);
  assert.deepEqual(results.map((result) => result.ok && result.value), [
    false,
    undefined,
    false,
    true,
    undefined,
  ]);
  assert.deepEqual(metadata.commit.run([]), []);
});

Deno.test("a group is one commit of the database, visible to readers when its results are", () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const reader = openForReading(storage.layout.database);
  const frames = (): number =>
    metadata.database.prepare("PRAGMA wal_checkpoint(PASSIVE)").get()!.log as number;
  metadata.commit.run([start()]);
  metadata.database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  metadata.commit.run(Array.from({ length: 50 }, () => start()));
  assert.ok(frames() < 10, `${frames()} pages were logged for 50 writes`);
  assert.equal(count(reader, "upload_session"), 51);
  reader.close();
});

Deno.test("SQLITE_FULL fails the whole group with its own name, not with that of a lost savepoint", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  limitGrowth(metadata.database, 3);
  const results = metadata.commit.run([start(), putManifest("x".repeat(100_000)), start()]);
  for (const result of results) {
    assert.ok(!result.ok);
    assert.equal((result.error as { errcode?: number }).errcode, 13);
  }
  assert.equal(count(metadata.database, "upload_session"), 0);
  const writing = new LocalWriter(metadata.commit).run(putManifest("x".repeat(100_000)));
  await assert.rejects(
    writing,
    (error) => error instanceof OciError && error.code === "INSUFFICIENT_STORAGE",
  );
  assert.deepEqual(metadata.commit.run([start()]).map(({ ok }) => ok), [true]);
});

Deno.test("on a full disk the ballast goes, deletes are done, and what adds content is refused until there is room", async () => {
  using storage = new TempStorage();
  const database = openForWriting(storage.layout.database);
  const ballast = new Ballast(storage.layout.ballast, 1000);
  const commit = new GroupCommit(database, ballast);
  await ballast.settled();
  assert.equal((await Deno.stat(storage.layout.ballast)).size, 1000);
  const session = makeUploadSessionId();
  const small = push(A, "small", { tags: [tag("v1")] });
  commit.run([start(session), { name: "putManifest", args: [small] }]);
  limitGrowth(database, 3);
  const results = commit.run([
    start(),
    { name: "deleteTag", args: [A, "v1", 5] },
    putManifest("x".repeat(100_000)),
    { name: "deleteManifest", args: [A, small.digest, 5] },
    { name: "cancelUpload", args: [A, session] },
    { name: "ping", args: [] },
  ]);
  assert.deepEqual(results.map(({ ok }) => ok), [false, true, false, true, true, false]);
  await assert.rejects(Deno.stat(storage.layout.ballast), Deno.errors.NotFound);
  assert.equal(count(database, "manifest"), 0);
  assert.equal(count(database, "upload_session"), 0);
  const [refused, allowed] = commit.run([start(), { name: "announceBlob", args: [A, small.digest, 1] }]);
  assert.ok(refused?.ok === false && refused.error instanceof OciError && allowed?.ok);
  assert.equal(refused.error.code, "INSUFFICIENT_STORAGE");
  // There is room for the ballast in truth, so a look a second later makes it again.
  const { now } = performance;
  performance.now = () => now.call(performance) + 2000;
  try {
    commit.run([]);
    await ballast.settled();
    assert.deepEqual(commit.run([start()]).map(({ ok }) => ok), [true]);
  } finally {
    performance.now = now;
  }
  assert.equal((await Deno.stat(storage.layout.ballast)).size, 1000);
  commit.close();
});

Deno.test("on a full disk whose ballast somebody has removed the writer goes on", async () => {
  using storage = new TempStorage();
  const database = openForWriting(storage.layout.database);
  const ballast = new Ballast(storage.layout.ballast, 1000);
  const commit = new GroupCommit(database, ballast);
  await ballast.settled();
  commit.run([{ name: "putManifest", args: [push(A, "small", { tags: [tag("v1")] })] }]);
  limitGrowth(database, 3);
  Deno.removeSync(storage.layout.ballast);
  const [full] = commit.run([putManifest("x".repeat(100_000))]);
  assert.ok(full?.ok === false && (full.error as { errcode?: number }).errcode === 13);
  assert.deepEqual(commit.run([{ name: "deleteTag", args: [A, "v1", 5] }]).map(({ ok }) => ok), [true]);
  commit.close();
});

Deno.test("a writer that is closed refuses what still comes", () => {
  using storage = new TempStorage();
  const commit = new GroupCommit(openForWriting(storage.layout.database));
  commit.close();
  const [result] = commit.run([start()]);
  assert.ok(!result!.ok && result!.error instanceof OciError);
  assert.equal(result!.error.code, "UNAVAILABLE");
});

Deno.test("the start of upload sessions alone waits for no sync, everything else does", () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const synchronous = (): unknown => metadata.database.prepare("PRAGMA synchronous").get()!.synchronous;
  const [NORMAL, FULL] = [1, 2];
  const seen: unknown[] = [];
  const { startUpload } = WriteCommands.prototype;
  WriteCommands.prototype.startUpload = function (session) {
    seen.push(synchronous());
    startUpload.call(this, session);
  };
  try {
    metadata.commit.run([start(), start()]);
    metadata.commit.run([start(), putManifest("m")]);
    const taken = makeUploadSessionId();
    metadata.commit.run([start(taken)]);
    assert.deepEqual(metadata.commit.run([start(taken)]).map(({ ok }) => ok), [false]);
  } finally {
    WriteCommands.prototype.startUpload = startUpload;
  }
  assert.deepEqual(seen, [NORMAL, NORMAL, FULL, NORMAL, NORMAL]);
  metadata.commit.run([{ name: "ping", args: [] }]);
  assert.equal(synchronous(), FULL);
});
