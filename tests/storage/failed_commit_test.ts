/** A commit that the disk does not take: all of it has failed, and what is promised after it is kept. */
import assert from "node:assert/strict";
import { type DatabaseSync } from "node:sqlite";
import { type Command, GroupCommit } from "../../src/storage/sqlite/group_commit.ts";
import { openForWriting } from "../../src/storage/sqlite/open_database.ts";
import { makeSession, push, repo, tag, TempStorage } from "./temp_storage.ts";

const A = repo("a");

function start(): Command {
  return { name: "startUpload", args: [makeSession(A)] };
}

function putManifest(text: string): Command {
  return { name: "putManifest", args: [push(A, text, { tags: [tag(text)] })] };
}

/** A writer whose commits fail while `breaks.now` is set, as they do when their sync fails. */
function openBreakable(path: string) {
  const database = openForWriting(path);
  const breaks = { now: false };
  const { prepare } = database;
  database.prepare = (sql) => {
    const statement = prepare.call(database, sql);
    if (sql === "COMMIT") {
      const run = statement.run.bind(statement);
      statement.run = () => {
        if (breaks.now) throw Object.assign(new Error("disk I/O error"), { errcode: 1034 });
        return run();
      };
    }
    return statement;
  };
  return { database, breaks, commit: new GroupCommit(database) };
}

function namesOf(database: DatabaseSync, table: "tag" | "upload_session"): unknown[] {
  return database.prepare(`SELECT * FROM ${table}`).all().map((row) => row.name ?? row.id);
}

/** Hears of bytes of a file that are written past SQLite and synced, until it is disposed of. */
class RewriteWatch implements Disposable {
  readonly #openSync = Deno.openSync;
  readonly synced: (readonly [from: number, to: number])[] = [];

  constructor(watched: string) {
    Deno.openSync = (path, options) => {
      const file = this.#openSync(path, options);
      if (path !== watched) return file;
      const written: (readonly [number, number])[] = [];
      const { writeSync, syncDataSync } = file;
      file.writeSync = (bytes) => {
        const from = file.seekSync(0, Deno.SeekMode.Current);
        const count = writeSync.call(file, bytes);
        written.push([from, from + count]);
        return count;
      };
      file.syncDataSync = () => {
        syncDataSync.call(file);
        this.synced.push(...written);
      };
      return file;
    };
  }

  [Symbol.dispose](): void {
    Deno.openSync = this.#openSync;
  }
}

Deno.test("when COMMIT fails, every command of the group has failed and nothing is written", () => {
  using storage = new TempStorage();
  const { database, breaks, commit } = openBreakable(storage.layout.database);
  breaks.now = true;
  const results = commit.run([start(), putManifest("m")]);
  for (const result of results) assert.ok(!result.ok && /disk I\/O error/.test(String(result.error)));
  breaks.now = false;
  assert.deepEqual(namesOf(database, "upload_session"), []);
  assert.deepEqual(commit.run([start()]).map(({ ok }) => ok), [true], "the writer goes on");
  commit.close();
});

Deno.test("what is promised after a failed sync survives a power cut that takes what waited for that sync", () => {
  using storage = new TempStorage();
  const path = storage.layout.database;
  const { breaks, commit } = openBreakable(path);
  commit.run([putManifest("before")]);
  const from = Deno.statSync(`${path}-wal`).size;
  commit.run([start()]);
  const to = Deno.statSync(`${path}-wal`).size;
  breaks.now = true;
  assert.deepEqual(commit.run([putManifest("refused")]).map(({ ok }) => ok), [false]);
  breaks.now = false;
  using watch = new RewriteWatch(`${path}-wal`);
  assert.deepEqual(commit.run([putManifest("after")]).map(({ ok }) => ok), [true]);

  const cut = `${storage.layout.rootDir}/cut.db`;
  Deno.copyFileSync(path, cut);
  const log = Deno.readFileSync(`${path}-wal`);
  // The system took these bytes for written when the sync failed, so no later one writes them.
  const isKept = (at: number) => watch.synced.some(([begin, end]) => begin <= at && at < end);
  for (let at = from; at < to; at++) if (!isKept(at)) log[at] = 0;
  Deno.writeFileSync(`${cut}-wal`, log);
  const left = openForWriting(cut);
  assert.deepEqual(namesOf(left, "tag"), ["after", "before"]);
  left.close();
  commit.close();
});

Deno.test("while the log cannot be written again nothing more is promised", () => {
  using storage = new TempStorage();
  const path = storage.layout.database;
  const { breaks, commit } = openBreakable(path);
  commit.run([start()]);
  breaks.now = true;
  commit.run([putManifest("refused")]);
  breaks.now = false;
  const { openSync } = Deno;
  Deno.openSync = () => {
    throw new Error("Input/output error (os error 5)");
  };
  try {
    const [result] = commit.run([putManifest("later")]);
    assert.ok(result?.ok === false && /os error 5/.test(String(result.error)));
  } finally {
    Deno.openSync = openSync;
  }
  assert.deepEqual(commit.run([putManifest("later")]).map(({ ok }) => ok), [true]);
  commit.close();
});
