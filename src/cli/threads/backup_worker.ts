/** A backup in a thread of its own. */
import type { BackupProgress, BackupReport } from "../../storage/backup/make_backup.ts";
import type { FromBackup, StartBackup } from "./backup_thread.ts";
import { runJobThread } from "./job_worker.ts";

export interface BackupInThread {
  readonly start: StartBackup;
  readonly progress: (progress: BackupProgress) => void;
  /** Ends the backup where it stands. */
  readonly abandon: AbortSignal;
}

/** Resolves to the report. @throws what keeps the backup from being made */
export async function backUpInThread(
  { start, progress, abandon }: BackupInThread,
): Promise<BackupReport> {
  const { rootDir, directory, previous } = start;
  const places = [rootDir, directory, ...(previous === undefined ? [] : [previous])];
  return await runJobThread<BackupReport, FromBackup>({
    name: "backup",
    entry: new URL("./backup_thread.ts", import.meta.url),
    // To give a file a second name is to write where it is.
    permissions: { read: places, write: places, sys: ["statfs"] },
    start,
    onMessage: (message) => progress(message.progress),
    abandon,
  });
}
