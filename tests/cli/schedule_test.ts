/** Jobs run at their intervals, one run of each at a time. */
import assert from "node:assert/strict";
import { JobRuns, Schedule } from "../../src/cli/schedule.ts";
import type { Log } from "../../src/ports/log.ts";

function quietLog(errors: string[] = []): Log {
  return { debug() {}, info() {}, warn() {}, error: (message) => void errors.push(message) };
}

/** Resolves at the `count`th call of `tick`. */
function counter(count: number): { tick: () => void; reached: Promise<void>; calls: () => number } {
  const reached = Promise.withResolvers<void>();
  let calls = 0;
  const tick = (): void => {
    if (++calls === count) reached.resolve();
  };
  return { tick, reached: reached.promise, calls: () => calls };
}

Deno.test("a job runs again and again, also after a run that failed, which is logged", async () => {
  const errors: string[] = [];
  const schedule = new Schedule(quietLog(errors));
  const runs = counter(3);
  schedule.set({
    name: "cleaning",
    intervalMs: 1,
    atStart: true,
    run: async () => {
      runs.tick();
      if (runs.calls() === 1) throw new Error("no broom");
    },
  });
  await runs.reached;
  schedule.stop();
  assert.deepEqual(errors, ["cleaning failed"]);
});

Deno.test("a job with a long interval may have its first run sooner", async () => {
  const schedule = new Schedule(quietLog());
  const first = counter(1);
  const hours = { intervalMs: 3_600_000, atStart: false };
  schedule.set({ name: "rare", ...hours, firstMs: 1, run: async () => first.tick() });
  await first.reached;
  schedule.stop();
});

Deno.test("an interval beyond the longest pause of a timer is waited for all the same", async () => {
  const schedule = new Schedule(quietLog(), () => {}, 5);
  const runs = counter(2);
  const started = performance.now();
  schedule.set({ name: "yearly", intervalMs: 30, atStart: false, run: async () => runs.tick() });
  await runs.reached;
  schedule.stop();
  // Timers may be early by a part of a millisecond, each.
  assert.ok(performance.now() - started >= 2 * 30 - 12);
});

Deno.test("an interval of 0 never runs a job by itself", async () => {
  const schedule = new Schedule(quietLog());
  let ran = false;
  schedule.set({ name: "idle", intervalMs: 0, atStart: true, run: async () => void (ran = true) });
  const other = counter(2);
  schedule.set({ name: "other", intervalMs: 1, atStart: true, run: async () => other.tick() });
  await other.reached;
  schedule.stop();
  assert.equal(ran, false);
});

Deno.test("setting a job again replaces the former one, also while that one runs", async () => {
  const schedule = new Schedule(quietLog());
  const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  let formerRuns = 0;
  schedule.set({
    name: "job",
    intervalMs: 1,
    atStart: true,
    run: async () => {
      formerRuns++;
      begun.resolve();
      await goOn.promise;
    },
  });
  await begun.promise;
  const runs = counter(2);
  schedule.set({ name: "job", intervalMs: 1, atStart: false, run: async () => runs.tick() });
  goOn.resolve();
  await runs.reached;
  schedule.stop();
  assert.equal(formerRuns, 1);
});

Deno.test("adjust() plans a job, leaves one of the same interval alone, and replaces it when the interval is another", async () => {
  const schedule = new Schedule(quietLog());
  const [first, second, third] = [counter(2), counter(1), counter(1)];
  schedule.adjust({ name: "job", intervalMs: 1, atStart: true, run: async () => first.tick() });
  schedule.adjust({ name: "job", intervalMs: 1, atStart: true, run: async () => second.tick() });
  await first.reached;
  schedule.adjust({ name: "job", intervalMs: 2, atStart: true, run: async () => third.tick() });
  await third.reached;
  schedule.stop();
  assert.equal(second.calls(), 0);
});

Deno.test("runAlone() refuses while a run of the same name is under way, and not after", async () => {
  const schedule = new Schedule(quietLog());
  const goOn = Promise.withResolvers<void>();
  const first = schedule.runAlone("sweep", () => goOn.promise);
  await assert.rejects(schedule.runAlone("sweep", async () => {}), JobRuns);
  assert.equal(await schedule.runAlone("other", async () => 7), 7);
  goOn.resolve();
  await first;
  assert.equal(await schedule.runAlone("sweep", async () => 8), 8);
  await assert.rejects(schedule.runAlone("sweep", () => Promise.reject(new Error("dust"))), /dust/);
  assert.equal(await schedule.runAlone("sweep", async () => 9), 9);
});

Deno.test("a schedule that was stopped begins nothing any more", async () => {
  const schedule = new Schedule(quietLog());
  const runs = counter(1);
  schedule.set({ name: "job", intervalMs: 1, atStart: true, run: async () => runs.tick() });
  await runs.reached;
  schedule.stop();
  const calls = runs.calls();
  schedule.set({ name: "late", intervalMs: 1, atStart: true, run: async () => runs.tick() });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(runs.calls(), calls);
});

Deno.test("whoever stops a schedule can wait for what runs to let go, but not for ever", async () => {
  const schedule = new Schedule(quietLog());
  const letGo = schedule.runAlone("quick to end", async () => {
    await new Promise((resolve) => schedule.stopping.addEventListener("abort", resolve));
    return "done";
  });
  schedule.stop();
  await schedule.idle(60_000);
  assert.equal(await letGo, "done");
  const goOn = Promise.withResolvers<void>();
  const deaf = schedule.runAlone("deaf", () => goOn.promise);
  await schedule.idle(1);
  goOn.resolve();
  await deaf;
});
