/** Measuring how long something takes at best. */

/** ms that the fastest of five runs takes; the machine may be busy with something else. */
export async function fastest(run: () => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  }
  return Math.min(...times);
}
