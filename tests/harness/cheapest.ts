/** Measuring what something costs. */
import process from "node:process";

const RUNS = 10;

/**
 * Milliseconds of a processor that the cheapest of up to ten runs takes. What other programs do meanwhile is not in it; what
 * this process does beside the run, such as to collect garbage, is, so the cheapest counts.
 *
 * @param enough ms that end the runs
 */
export async function cheapest(run: () => unknown, enough = 0): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < RUNS && least >= enough; i++) {
    const start = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(start);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}
