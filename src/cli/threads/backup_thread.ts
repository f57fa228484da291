/** Entry of the thread of one backup: SQLite copies the database without a pause, and a million links take as long. */
import {
  type BackupProgress,
  type BackupReport,
  type MakeBackup,
  makeBackup,
} from "../../storage/backup/make_backup.ts";
import type { JobOver } from "./job_worker.ts";
import { reportJob } from "./report_job.ts";

/** First and only message to the thread, which is ended to stop the backup. */
export type StartBackup = Omit<MakeBackup, "progress">;

export interface FromBackup {
  readonly kind: "progress";
  readonly progress: BackupProgress;
}

const thread = self as unknown as {
  onmessage: (event: MessageEvent<StartBackup>) => void;
  postMessage(message: FromBackup | JobOver<BackupReport>): void;
};

thread.onmessage = ({ data }) =>
  void reportJob<BackupProgress, BackupReport>(
    (message) => thread.postMessage(message),
    (progress) => makeBackup({ ...data, progress }),
  );
