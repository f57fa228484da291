/** Backs up 1,000,000 real files, twice, and starts on the backup. Takes ten minutes, most of them for the scrub of the backup. */
import { checkBackupOfFiles } from "../load/backup_files_check.ts";

console.log(await checkBackupOfFiles({ count: 1_000_000, size: 100 }, console.log));
