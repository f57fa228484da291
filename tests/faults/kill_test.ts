/** A registry that is killed at any moment has every write that it acknowledged. */
import { killUnderLoad } from "./kill_loop_check.ts";

const CYCLES = 5;

Deno.test(`${CYCLES} times killed under load: everything is as the answers said, uploads go on, nothing stray stays`, async () => {
  await killUnderLoad({ cycles: CYCLES, clients: 4 });
});
