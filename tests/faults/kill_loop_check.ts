/** A registry under load that is killed at random moments. */
import assert from "node:assert/strict";
import { KillTrial } from "./kill_trial.ts";

/**
 * Starts a registry on one data directory `cycles` times and kills it while `clients` push, mount, move tags, delete and
 * upload in pieces, and garbage is collected.
 *
 * @returns one line for people: kills, acknowledged writes, the longest time from start to listening
 * @throws {AssertionError} when an acknowledged write is lost, a deletion undone, or something stays that nobody needs
 */
export async function killUnderLoad(
  { cycles, clients }: { cycles: number; clients: number },
): Promise<string> {
  await using trial = await KillTrial.make(clients);
  for (let cycle = 0; cycle < cycles; cycle++) {
    await using registry = await trial.start();
    const timer = setTimeout(() => registry.process.kill("SIGKILL"), 300 + Math.random() * 2200);
    const done = await trial.workUntilKilled(registry).finally(() => clearTimeout(timer));
    assert.ok(done > 0, "something was done in this cycle");
  }
  await trial.finishUploads();
  await trial.settle();
  return `${cycles} kills, ${trial.acknowledged} acknowledged writes, none lost; listening after ${
    Math.round(trial.slowestMs)
  } ms at most`;
}
