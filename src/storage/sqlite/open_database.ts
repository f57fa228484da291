/** Opening `registry.db` the two ways it is used: by the one writer, and by many readers. */
import { basename, dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { migrate, schemaVersionOf } from "./migrations.ts";

/**
 * Opens the database for the one connection that writes, making and migrating it where needed.
 * Every commit is durable (`synchronous=FULL` in WAL mode: one fsync a commit), where GroupCommit does not say otherwise.
 *
 * @throws {DatabaseTooNew} when a later version wrote it
 * @throws {Error} for a file that is damaged, or no database, and on a full disk
 */
export function openForWriting(path: string): DatabaseSync {
  const database = new DatabaseSync(withoutLinks(path));
  try {
    database.exec(`
      PRAGMA busy_timeout = 5000;
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = FULL;
      PRAGMA foreign_keys = ON;
      PRAGMA journal_size_limit = 67108864;
      PRAGMA cache_size = -16384;
      -- Savepoints would otherwise be written to files in the system's temporary folder.
      PRAGMA temp_store = MEMORY;
    `);
    migrate(database);
    return database;
  } catch (error) {
    database.close();
    throw explain(error, path);
  }
}

/**
 * True for a database that is not there, or that nothing was ever written to. Looks without changing anything: a log that
 * lies beside would be thrown away by whoever makes a new one.
 *
 * @throws {Error} for a file that is damaged, or no database
 */
export function isWithoutTables(path: string): boolean {
  try {
    if (Deno.statSync(path).size === 0) return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
  try {
    using database = openForReading(path);
    return schemaVersionOf(database) === 0;
  } catch (error) {
    throw explain(error, path);
  }
}

function explain(error: unknown, path: string): unknown {
  const { message } = error as Error;
  // By the text: errors of `exec()` lack SQLite's code.
  if (/disk is full/.test(message)) {
    return new Error(`Cannot open the database ${path}: the disk is full. Make room there, and start again`, {
      cause: error,
    });
  }
  if (!/not a database|malformed/.test(message)) return error;
  return new Error(
    `Cannot open the database ${path}: it is damaged (${message}). Put a backup in its place, and run scrub`,
    { cause: error },
  );
}

/** Opens the database for reading; it must exist. Sees each commit with the next statement. */
export function openForReading(path: string): DatabaseSync {
  const database = new DatabaseSync(withoutLinks(path), { readOnly: true });
  // No mmap: a read error would arrive as SIGBUS and end the process.
  // A reader in WAL mode waits for nobody, except in the moment when the first connection recovers the log.
  database.exec("PRAGMA busy_timeout = 5000; PRAGMA cache_size = -8192; PRAGMA temp_store = MEMORY;");
  return database;
}

/** The file by its real folder: the runtime lets SQLite follow no symbolic link on the way to it. */
function withoutLinks(path: string): string {
  try {
    return `${Deno.realPathSync(dirname(path))}/${basename(path)}`;
  } catch (error) {
    // What is missing is SQLite's to say.
    if (error instanceof Deno.errors.NotFound) return path;
    throw error;
  }
}
