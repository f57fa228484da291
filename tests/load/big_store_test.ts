/** A large registry starts, lists and answers as a small one does. `make soak` has the full size and the full promise. */
import { inTries } from "../harness/tries.ts";
import { checkBigStore } from "./big_store_check.ts";

// Bounds that a busy machine keeps and a walk through a table does not.
Deno.test(
  "100,000 blobs, 2,000 repositories and 20,000 tags cost neither the start nor a page",
  inTries(async () => {
    await checkBigStore(
      { blobs: 100_000, repositories: 2000, tags: 20_000 },
      { start: 1000, tagsPage: 50, catalogPage: 100, headManifest: 25 },
    );
  }),
);
