/** The longest standstill of an HTTP thread with 1,000,000 blobs, 10,000 repositories and 100,000 tags. Two minutes. */
import { FULL_SIZE } from "../load/big_store.ts";
import { SCENARIOS } from "../load/loop_lag_check.ts";

for (const [name, run] of Object.entries(SCENARIOS)) console.log(`${name}\n${await run(FULL_SIZE)}`);
