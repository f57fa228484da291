/** Many clients at once, in the numbers that are promised. Takes two to three minutes. */
import { checkIdleConnections } from "../load/idle_connections_check.ts";
import { checkMovingTag } from "../load/moving_tag_check.ts";
import { checkSameBlob } from "../load/same_blob_check.ts";
import { checkSlowReaders } from "../load/slow_readers_check.ts";

console.log(await checkIdleConnections(5000, { eachBytes: 60_000, pullMs: 50 }));
const SLOW = { blobSize: 1_000_000_000, seconds: 20, growth: 100e6 };
// The system's own buffers hold 3 MB for each on loopback, which uses up its memory for TCP (tcp_mem of a machine with 24 GB).
// Both registries feel that, but not always to the same extent.
console.log(await checkSlowReaders({ ...SLOW, clients: 500, keptSpeed: 0.6 }));
console.log(await checkSlowReaders({ ...SLOW, clients: 300, keptSpeed: 0.8 }));
console.log(await checkSameBlob(50, 100_000_000));
console.log(await checkMovingTag(32, 60));
