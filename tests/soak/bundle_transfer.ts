/** A bundle of 4 GiB is written and read at 70 % of the speed of a plain copy with sha256, in less than 200 MB. */
import { checkBundleTransfer } from "../load/bundle_transfer_check.ts";

// On a machine that does nothing else.
console.log(
  await checkBundleTransfer({ blobs: 64, blobSize: 64 * 1024 ** 2 }, { share: 0.7, memory: 200_000_000 }),
);
