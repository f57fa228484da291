/** Collections in the midst of pushes, in short. `make soak` has 100,000 operations. */
import { checkCollectRace } from "./collect_race_check.ts";

Deno.test("16 clients that push, mount and delete lose nothing to a collection five times a second, which leaves nothing", async () => {
  await checkCollectRace(5000);
});
