/** Makes the log of a database durable when a sync of it has failed. */
import type { DatabaseSync } from "node:sqlite";

/** Bytes that are written at once. */
const PIECE = 1024 * 1024;

/**
 * Writes the bytes of the log to where they are, and syncs them. After a failed sync the system may take what it could not
 * write for written: only what is written again is sure to be in the next sync. For the one who writes to the database,
 * between two transactions.
 *
 * @throws what keeps them from being written
 */
export function rewriteLog(database: DatabaseSync): void {
  const { file: path } = database.prepare("PRAGMA database_list").get() as { file: string };
  // SQLite has no locks on this file, which closing it would take away.
  using log = Deno.openSync(`${path}-wal`, { read: true, write: true });
  const buffer = new Uint8Array(PIECE);
  for (let at = 0;;) {
    log.seekSync(at, Deno.SeekMode.Start);
    const read = log.readSync(buffer);
    if (read === null) break;
    log.seekSync(at, Deno.SeekMode.Start);
    for (let written = 0; written < read;) written += log.writeSync(buffer.subarray(written, read));
    at += read;
  }
  log.syncDataSync();
}
