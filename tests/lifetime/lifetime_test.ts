/** Random lives of a registry against a model, in short. `make soak` has long ones. */
import { checkLifetimes } from "./check.ts";

Deno.test("whatever clients, the clock and restarts do, what something leads to stays, the rest goes, and quotas are exact", async () => {
  await checkLifetimes(15, 60);
});
