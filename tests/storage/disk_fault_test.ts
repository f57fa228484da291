/** What the system and SQLite say of a disk that is full or broken has one meaning wherever it is met. */
import assert from "node:assert/strict";
import { OciError } from "../../src/core/oci_error.ts";
import { explainDiskFault } from "../../src/storage/files/disk_fault.ts";
import { GroupCommit } from "../../src/storage/sqlite/group_commit.ts";
import { openForWriting } from "../../src/storage/sqlite/open_database.ts";
import { TempStorage } from "./temp_storage.ts";

/** SQLite's errors as node:sqlite throws them. */
function sqliteError(message: string, errcode: number): Error {
  return Object.assign(new Error(message), { code: "ERR_SQLITE_ERROR", errcode });
}

function assertExplained(fault: Error, code: string, status: number): void {
  const answer = explainDiskFault(fault);
  assert.ok(answer instanceof OciError, fault.message);
  assert.deepEqual([answer.code, answer.status, answer.cause], [code, status, fault]);
}

Deno.test("a full disk and a full quota are 507, from the system and from SQLite", () => {
  for (
    const fault of [
      new Error("No space left on device (os error 28)"),
      Object.assign(new Error("quota"), { code: "EDQUOT" }),
      new Error("Disk quota exceeded (os error 122)"),
      sqliteError("database or disk is full", 13),
    ]
  ) assertExplained(fault, "INSUFFICIENT_STORAGE", 507);
});

Deno.test("a broken or read-only disk is 503, and what is wrong stands in the words for the log", () => {
  const faults = [
    new Error("Input/output error (os error 5)"),
    Object.assign(new Error("Read-only file system (os error 30)"), { code: "EROFS" }),
    sqliteError("disk I/O error", 10),
    // A sync that failed: SQLITE_IOERR_FSYNC.
    sqliteError("disk I/O error", 1034),
    sqliteError("attempt to write a readonly database", 8),
    sqliteError("database disk image is malformed", 11),
  ];
  for (const fault of faults) assertExplained(fault, "STORAGE_UNAVAILABLE", 503);
  assert.equal(
    (explainDiskFault(faults[3]) as Error).message,
    "Cannot use the disk: disk I/O error (SQLite 1034)",
  );
});

Deno.test("too many open files are 503 with what to do", () => {
  const fault = new Error("Too many open files (os error 24)");
  assertExplained(fault, "UNAVAILABLE", 503);
  assert.match((explainDiskFault(fault) as Error).message, /LimitNOFILE/);
});

Deno.test("a database that another program keeps locked is 503 with what to do", () => {
  using storage = new TempStorage();
  const [ours, theirs] = [openForWriting(storage.layout.database), openForWriting(storage.layout.database)];
  ours.exec("PRAGMA busy_timeout = 0");
  theirs.exec("BEGIN IMMEDIATE");
  const commit = new GroupCommit(ours);
  const [result] = commit.run([{ name: "ping", args: [] }]);
  assert.ok(result?.ok === false);
  assertExplained(result.error as Error, "UNAVAILABLE", 503);
  theirs.exec("ROLLBACK");
  assert.ok(commit.run([{ name: "ping", args: [] }])[0]!.ok);
  theirs.close();
  commit.close();
});

Deno.test("everything else passes", () => {
  const others = [
    new Error("os error 280"),
    undefined,
    null,
    "text",
    new Deno.errors.NotFound("x"),
    new OciError("DIGEST_INVALID"),
    sqliteError("UNIQUE constraint failed", 2067),
  ];
  for (const other of others) assert.equal(explainDiskFault(other), other);
});
