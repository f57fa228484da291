/** Makes a data directory ready for use, by the process that holds its lock. */
import type { Log } from "../../ports/log.ts";
import type { Layout } from "../../storage/files/layout.ts";
import { requireWholeBackup } from "../../storage/backup/backup_folder.ts";
import { recoverUploads } from "../../storage/recover.ts";
import { openForWriting } from "../../storage/sqlite/open_database.ts";

/**
 * Brings the tables up to date and mends what a crash has left. The folders are there.
 *
 * @throws {DatabaseTooNew} when a later version wrote it
 * @throws {Error} for a backup that did not come to its end
 */
export function prepareData(layout: Layout, log: Log): void {
  requireWholeBackup(layout);
  const database = openForWriting(layout.database);
  try {
    const recovery = recoverUploads(layout, database);
    if (Object.values(recovery).some((count) => count > 0)) {
      log.warn("recovered uploads after a crash", { ...recovery });
    }
  } finally {
    database.close();
  }
}
