/** A copy of `registry.db` as it is at one moment, made while others write to it. */
import { backup, DatabaseSync } from "node:sqlite";
import { DatabaseTooNew, SCHEMA_VERSION } from "../sqlite/migrations.ts";

/** Pages copied in one step: all, since a write between two steps would begin the copy anew. */
const ALL_PAGES = 2 ** 31 - 1;

export interface Snapshot {
  /** Bytes. */
  readonly size: number;
  /** Sessions that were open: their bytes were still coming, so they are not in the copy. */
  readonly uploadSessions: number;
}

/**
 * Copies in one transaction that hinders no writer, and keeps the thread busy until it is through. The copy is one file,
 * checked and durable. `VACUUM INTO` would do the same and needs rights that no program of the registry has.
 *
 * @param from the database
 * @param to a file that is not there
 * @throws {DatabaseTooNew} {Error} for a database that is damaged
 */
export async function snapshotDatabase(from: string, to: string): Promise<Snapshot> {
  const source = new DatabaseSync(from, { readOnly: true });
  try {
    source.exec("PRAGMA busy_timeout = 5000");
    await backup(source, to, { rate: ALL_PAGES });
  } finally {
    source.close();
  }
  const uploadSessions = finishCopy(to);
  using file = Deno.openSync(to, { read: true, write: true });
  file.syncSync();
  return { size: file.statSync().size, uploadSessions };
}

function finishCopy(path: string): number {
  const copy = new DatabaseSync(path);
  try {
    // One file without a log beside it. What it loses in a crash is a copy that was not finished.
    copy.exec("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY");
    const version = Number(copy.prepare("PRAGMA user_version").get()!.user_version);
    if (version > SCHEMA_VERSION) {
      throw new DatabaseTooNew(
        `Cannot copy the database: its tables are version ${version}, this program knows up to ${SCHEMA_VERSION}. ` +
          "Use the program of the server",
      );
    }
    const [fault] = Object.values(copy.prepare("PRAGMA quick_check(1)").get()!);
    if (fault !== "ok") {
      throw new Error(`Cannot copy the database: it is damaged (${fault}). simple-registry scrub says more`);
    }
    return Number(copy.prepare("DELETE FROM upload_session").run().changes);
  } finally {
    copy.close();
  }
}
