/** Sixty backups in the midst of pushes, deletes and collections. */
import { checkBackupRace } from "../load/backup_race_check.ts";

console.log(await checkBackupRace(60));
