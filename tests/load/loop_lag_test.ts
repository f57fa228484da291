/** No request keeps an HTTP thread from the others for long. `make soak` has the full size. */
import { inTries } from "../harness/tries.ts";
import { SCENARIOS } from "./loop_lag_check.ts";

for (const [name, run] of Object.entries(SCENARIOS)) {
  Deno.test(
    name,
    inTries(async () => {
      await run({ blobs: 40_000, repositories: 4000, tags: 20_000 });
    }),
  );
}
