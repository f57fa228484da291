/** Backups in the midst of everything else, in short. `make soak` has sixty. */
import { checkBackupRace } from "./backup_race_check.ts";

Deno.test("backups beside pushes, mounts, deletes and a collection five times a second lack nothing that they name", async () => {
  await checkBackupRace(3);
});
