/** A registry that is killed at any moment has every write that it acknowledged. */
import { killUnderLoad } from "./kill_loop_check.ts";

const CYCLES = 5;

Deno.test(`${CYCLES} times killed under load: every acknowledged blob, manifest and tag is there, uploads go on`, async () => {
  await killUnderLoad({ cycles: CYCLES, clients: 4 });
});
