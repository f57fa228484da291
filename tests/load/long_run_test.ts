/** Everything at once, in short. `make soak` runs it long enough to say something of leaks. */
import { inTries } from "../harness/tries.ts";
import { checkLongRun } from "./long_run_check.ts";

Deno.test(
  "pushes, reads, deletions, collections, scrubs and reloads go on beside each other without a fault",
  inTries(async () => {
    await checkLongRun({ seconds: 24, pushers: 2, readers: 2, rests: false }, () => {});
  }),
);
