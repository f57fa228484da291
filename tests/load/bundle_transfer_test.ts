/** A large bundle takes no more memory than a small one. `make soak` has the full size and the speed. */
import { inTries } from "../harness/tries.ts";
import { checkBundleTransfer } from "./bundle_transfer_check.ts";

// Speeds are for a machine that does nothing else; a bound that a busy one keeps still shows a transfer that crawls.
Deno.test(
  "a bundle of 512 MiB is written and read in less than 250 MB of memory",
  inTries(async () => {
    await checkBundleTransfer({ blobs: 16, blobSize: 32 * 1024 ** 2 }, { share: 0.1, memory: 250_000_000 });
  }),
);
