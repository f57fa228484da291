/** What is known of configured copies after a restart. */
import assert from "node:assert/strict";
import { SyncMemory } from "../../../src/cli/sync/sync_memory.ts";
import type { SyncReport } from "../../../src/jobs/sync.ts";
import { load } from "../../config/load_text.ts";

const copyTo = (to: string) =>
  load(`[[mirror]]\nfrom = "docker.io/library/alpine"\nto = "${to}"\ntags = ["latest"]\n`).syncs[0]!;

function reportOf(...copies: readonly unknown[]): SyncReport {
  return { dry_run: false, complete: true, ms: 1, copies: copies as SyncReport["copies"] };
}

Deno.test("the end and the failure of each copy are known again, and what no settings name any more is forgotten", async () => {
  const path = await Deno.makeTempFile();
  try {
    const [one, two] = [copyTo("one"), copyTo("two")];
    const memory = new SyncMemory(path);
    const both = { now: 1000, configured: [one, two] };
    await memory.note([one, two], reportOf({ complete: true }, { failed: "no answer" }), both);
    const known = await new SyncMemory(path).read();
    assert.deepEqual([known.of(one), known.of(two)], [{ ended: 1000 }, { failed: 1000 }]);
    await memory.note([two], reportOf({ complete: false }), { now: 2000, configured: [two] });
    assert.deepEqual((await memory.read()).of(two), { failed: 1000 }, "one that was stopped has not ended");
    await memory.note([two], reportOf({ complete: true }), { now: 3000, configured: [two] });
    const later = await memory.read();
    assert.deepEqual([later.of(one), later.of(two)], [{}, { ended: 3000 }]);
  } finally {
    await Deno.remove(path);
  }
});
