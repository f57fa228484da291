/** Scrub and backup of many files, in short. `make soak` has 200,000 and 1,000,000 of them. */
import { checkBackupOfFiles } from "./backup_files_check.ts";
import { checkScrubOfFiles } from "./scrub_files_check.ts";

Deno.test("a scrub reads every file beside a server that answers, and finds what is wrong", async () => {
  await checkScrubOfFiles({ count: 500, size: 1000 });
});

Deno.test("a backup takes every file once, the next one shares all of them, and a server starts on it", async () => {
  await checkBackupOfFiles({ count: 500, size: 100 }, () => {});
});
