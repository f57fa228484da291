/** What counts as old for the jobs: in the server by the time that it has run, without one by the clock. */
import type { DataWork } from "./data_command.ts";

/**
 * A time in ms since the epoch such that what has an earlier one is older than `ageMs`, as far as that is known: in the server
 * nothing is that old until servers have run on the data for as long, whatever the clock says.
 */
export function cutoffOfAge({ collectMemory: memory, clock }: DataWork, ageMs: number): number {
  const byClock = clock.now() - ageMs;
  // What is to be kept for no time at all needs no watch.
  if (memory === undefined || ageMs === 0) return byClock;
  return Math.min(byClock, memory.watch.cutoff(ageMs) ?? 0);
}
