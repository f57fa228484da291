/** Reloads under load lose no request. `make soak` does a hundred. */
import { checkReload } from "./reload_check.ts";

Deno.test("twenty reloads under load lose no request, no new connection and no push", async () => {
  await checkReload(20);
});
