/** Entry of the thread of one backup: SQLite copies the database without a pause, and a million links take as long. */
import {
  type BackupProgress,
  type BackupReport,
  type MakeBackup,
  makeBackup,
} from "../storage/backup/make_backup.ts";
import type { JobOver } from "./job_worker.ts";

/** First and only message to the thread, which is ended to stop the backup. */
export type StartBackup = Omit<MakeBackup, "progress">;

export interface FromBackup {
  readonly kind: "progress";
  readonly progress: BackupProgress;
}

/** ms between two messages of progress. */
const PROGRESS_PAUSE_MS = 100;

const thread = self as unknown as {
  onmessage: (event: MessageEvent<StartBackup>) => void;
  postMessage(message: FromBackup | JobOver<BackupReport>): void;
};

thread.onmessage = async ({ data }) => {
  let next = 0;
  try {
    const report = await makeBackup({
      ...data,
      progress(progress) {
        if (performance.now() < next) return;
        next = performance.now() + PROGRESS_PAUSE_MS;
        thread.postMessage({ kind: "progress", progress });
      },
    });
    thread.postMessage({ kind: "ended", report });
  } catch (error) {
    thread.postMessage({ kind: "failed", reason: (error as Error).message });
  }
};
