/** Makes a data directory ready for use, by the process that holds its lock. */
import type { Log } from "../../ports/log.ts";
import { fileReasonOf } from "../../core/file_reason.ts";
import { DirectoryInUse, type DirectoryLock, lockDirectory } from "../../storage/files/directory_lock.ts";
import { type Layout, makeFolders } from "../../storage/files/layout.ts";
import { requireWholeBackup } from "../../storage/backup/backup_folder.ts";
import { recoverUploads } from "../../storage/recover.ts";
import { isWithoutTables, openForWriting } from "../../storage/sqlite/open_database.ts";

/**
 * Makes what is missing of a data directory, and takes it for this process.
 *
 * @throws {DirectoryInUse} when another process has it
 * @throws {Error} for one that cannot be used, with the reason
 */
export function takeDirectory(layout: Layout): DirectoryLock {
  try {
    makeFolders(layout);
    return lockDirectory(layout.lock);
  } catch (error) {
    if (error instanceof DirectoryInUse) throw error;
    // What the system says names one file of many, and not what it is for.
    throw new Error(
      `Cannot use data directory ${layout.rootDir}: ${fileReasonOf(error)}. ` +
        "It has to be a folder in which this user can make files (blob_store.fs.root_dir)",
      { cause: error },
    );
  }
}

/**
 * Brings the tables up to date and mends what a crash has left. The folders are there.
 *
 * @throws {DatabaseTooNew} when a later version wrote it
 * @throws {Error} for a backup that did not come to its end, a database that is damaged, and one that is lost
 */
export function prepareData(layout: Layout, log: Log): void {
  requireWholeBackup(layout);
  if (isWithoutTables(layout.database)) requireNoBlobs(layout);
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

/** To a registry that begins anew all of them would be what a crash has left, and in a while it would remove them. */
function requireNoBlobs(layout: Layout): void {
  for (const folder of layout.blobFolders()) {
    if (Deno.readDirSync(folder)[Symbol.iterator]().next().done) continue;
    throw new Error(
      `Cannot use ${layout.rootDir}: it holds blobs, and its database, ${layout.database}, is missing or empty. ` +
        "Put the whole of a backup in its place; to begin anew, choose another root_dir",
    );
  }
}
