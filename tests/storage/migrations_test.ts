/** A database is made, reopened, and refused when a later version wrote it. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { DatabaseTooNew, migrate, SCHEMA_VERSION } from "../../src/storage/sqlite/migrations.ts";
import { openForReading, openForWriting } from "../../src/storage/sqlite/open_database.ts";
import { push, repo, TempStorage } from "./temp_storage.ts";

function pragma(database: DatabaseSync, name: string): unknown {
  return Object.values(database.prepare(`PRAGMA ${name}`).get()!)[0];
}

Deno.test("openForWriting() makes a fresh database of the newest version that is durable by default", () => {
  using storage = new TempStorage();
  const database = openForWriting(storage.layout.database);
  assert.equal(pragma(database, "user_version"), SCHEMA_VERSION);
  assert.equal(pragma(database, "journal_mode"), "wal");
  assert.equal(pragma(database, "synchronous"), 2, "FULL");
  assert.equal(pragma(database, "foreign_keys"), 1);
  assert.equal(pragma(database, "mmap_size") ?? 0, 0);
  assert.equal(pragma(database, "integrity_check"), "ok");
  database.close();
});

Deno.test("openForWriting() leaves a database of this version as it is", async () => {
  using storage = new TempStorage();
  const manifest = push(repo("a"), "m");
  {
    using metadata = storage.openMetadata();
    await metadata.store.putManifest(manifest);
  }
  const database = openForWriting(storage.layout.database);
  database.close();
  using metadata = storage.openMetadata();
  const found = await metadata.store.findManifest(repo("a"), { kind: "digest", digest: manifest.digest });
  assert.deepEqual(found?.bytes, manifest.bytes);
});

Deno.test("a newer database is refused with both versions and what to do, and is not touched", async () => {
  using storage = new TempStorage();
  const newer = new DatabaseSync(storage.layout.database);
  newer.exec(`CREATE TABLE future (x); PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
  newer.close();
  const open = () => openForWriting(storage.layout.database);
  assert.throws(open, (error: Error) => {
    assert.ok(error instanceof DatabaseTooNew);
    assert.match(
      error.message,
      new RegExp(`are version ${SCHEMA_VERSION + 1}, this program knows up to ${SCHEMA_VERSION}\\.`),
    );
    assert.match(error.message, /Start the newer simple-registry that wrote it, or restore a backup/);
    return true;
  });
  const database = new DatabaseSync(storage.layout.database);
  assert.equal(pragma(database, "user_version"), SCHEMA_VERSION + 1);
  assert.equal(database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()!.n, 1);
  database.close();
});

Deno.test("a migration that fails leaves the database at the version before it", () => {
  const database = new DatabaseSync(":memory:");
  database.exec("CREATE TABLE tag (of_somebody_else)");
  assert.throws(() => migrate(database), /table tag already exists/);
  assert.equal(pragma(database, "user_version"), 0);
  assert.equal(database.prepare("SELECT count(*) AS n FROM sqlite_schema").get()!.n, 1);
  assert.equal(database.isTransaction, false);
  database.close();
});

Deno.test("a migration that finds no room reports that, and not a lost transaction", () => {
  const database = new DatabaseSync(":memory:");
  database.exec("PRAGMA max_page_count = 5");
  assert.throws(() => migrate(database), /database or disk is full/);
  assert.equal(pragma(database, "user_version"), 0);
  database.close();
});

Deno.test("openForReading() wants a database that exists, and cannot write to it", () => {
  using storage = new TempStorage();
  assert.throws(() => openForReading(storage.layout.database));
  openForWriting(storage.layout.database).close();
  const reader = openForReading(storage.layout.database);
  assert.throws(() => reader.exec("DELETE FROM blob"), /readonly/);
  reader.close();
});
