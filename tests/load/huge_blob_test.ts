/** One large layer in a few seconds. `make soak` has one of 10 GiB. */
import { checkHugeBlob } from "./huge_blob_check.ts";

Deno.test("a layer whose push is cut off is gone on with over mTLS, and comes back whole in two ranges", async () => {
  await checkHugeBlob({ size: 512 * 1024 ** 2, mostMemory: 300e6 });
});
