/** What the unlucky operator did to `registry.db`: the start says so, and does nothing that makes it worse. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { prepareData } from "../../src/cli/commands/prepare_data.ts";
import { parseDigest } from "../../src/core/digest.ts";
import { makeUploadSessionId } from "../../src/core/upload_session_id.ts";
import { blobFileOf, type Layout } from "../../src/storage/files/layout.ts";
import { digestOf } from "../harness/build_images.ts";
import { SILENT } from "../../src/server/silent_log.ts";
import { TempStorage } from "../storage/temp_storage.ts";

function addBlobFile(layout: Layout): string {
  const bytes = new TextEncoder().encode("a layer");
  const path = layout.blob(blobFileOf(parseDigest(digestOf(bytes)), makeUploadSessionId()));
  Deno.writeFileSync(path, bytes);
  return path;
}

const start = (layout: Layout) => prepareData(layout, SILENT);

Deno.test("blobs without a database are no new registry, whose collection would remove them: the start is refused", () => {
  for (
    const left of ["nothing", "an empty file", "a log without its database", "a database without its log"]
  ) {
    using storage = new TempStorage();
    const { layout } = storage;
    const blob = addBlobFile(layout);
    const log = `${layout.database}-wal`;
    if (left === "an empty file") Deno.writeFileSync(layout.database, new Uint8Array());
    if (left === "a log without its database") Deno.writeTextFileSync(log, "log");
    if (left === "a database without its log") {
      // As a copy of the file alone is, of a server that has not written its log back yet.
      const database = new DatabaseSync(layout.database);
      database.exec("PRAGMA journal_mode = WAL");
      database.close();
    }
    assert.throws(() => start(layout), {
      message:
        `Cannot use ${layout.rootDir}: it holds blobs, and its database, ${layout.database}, is missing or empty. ` +
        "Put the whole of a backup in its place; to begin anew, choose another root_dir",
    }, left);
    assert.equal(Deno.statSync(blob).size, 7);
    if (left === "a log without its database") assert.equal(Deno.readTextFileSync(log), "log");
  }
});

Deno.test("a folder without blobs is a new registry, also when a start was cut before it had tables", () => {
  using storage = new TempStorage();
  Deno.writeFileSync(storage.layout.database, new Uint8Array());
  start(storage.layout);
  addBlobFile(storage.layout);
  start(storage.layout);
});

Deno.test("a database that is none is named, with what to do", () => {
  using storage = new TempStorage();
  const { database } = storage.layout;
  Deno.writeFileSync(database, crypto.getRandomValues(new Uint8Array(8192)));
  assert.throws(() => start(storage.layout), {
    message:
      `Cannot open the database ${database}: it is damaged (file is not a database). Put a backup in its place, and run scrub`,
  });
});
