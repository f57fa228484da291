/** The job that keeps what slow pushes have brought goes by the settings of the moment. */
import assert from "node:assert/strict";
import { slowPushJob } from "../../src/cli/commands/collect_command.ts";
import type { DataWork } from "../../src/cli/commands/data_command.ts";
import { CollectMemory } from "../../src/jobs/collect_memory.ts";

const HOUR = 3_600_000;

Deno.test("a reload that changes the grace changes what the next run counts as slow", async () => {
  const looked: number[] = [];
  let graceMs = 48 * HOUR;
  const clock = { now: () => 1000 * HOUR };
  const work = {
    get settings() {
      return { collect: { graceMs } };
    },
    clock,
    collectMemory: new CollectMemory({ clock, graceMs }),
    metadata: { listUploads: async (before: number) => (looked.push((clock.now() - before) / HOUR), []) },
  } as unknown as DataWork;
  const job = slowPushJob(work);
  await job.run();
  graceMs = 24 * HOUR;
  await job.run();
  assert.deepEqual(looked, [12, 6]);
});
