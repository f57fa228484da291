/** What the collection remembers is kept by the database, and the next process goes on with it. */
import assert from "node:assert/strict";
import { CollectMemory } from "../../src/jobs/collect_memory.ts";
import { TempStorage } from "../storage/temp_storage.ts";

for (const graceMs of [1000, 61_000, 43_200_000]) {
  Deno.test(`what is remembered with a grace of ${graceMs / 1000} s outlives a restart`, async () => {
    using storage = new TempStorage();
    using metadata = storage.openMetadata();
    let now = 1_700_000_000_000;
    let elapsed = 0;
    const open = async () =>
      new CollectMemory({
        clock: { now: () => now },
        graceMs,
        elapsed: () => elapsed,
        former: await metadata.garbage.readRecord(),
      });
    const before = await open();
    now += graceMs - 10;
    elapsed += graceMs - 10;
    assert.equal(before.msUntil(graceMs), 10);
    await metadata.garbage.writeRecord(before.record());
    const after = await open();
    assert.equal(after.msUntil(graceMs), 10, "the time that a server has run counts");
  });
}
