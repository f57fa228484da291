/** A registry that dies between any two steps of what it does has done each request wholly or not at all. */
import { dieAtEveryStep } from "./every_step_check.ts";

Deno.test("killed before every step of uploads, pushes, deletions and collections: everything is as the answers said", async () => {
  await dieAtEveryStep({ rounds: 1, clients: 3 });
});
