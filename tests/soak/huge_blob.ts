/** One layer of 10 GiB, in and out over mTLS in less than 256 MB. Takes some minutes. */
import { checkHugeBlob } from "../load/huge_blob_check.ts";

console.log(await checkHugeBlob({ size: 10 * 1024 ** 3, mostMemory: 256e6 }));
