/** Asks a server again and again beside what it does otherwise, and keeps the times. */
import assert from "node:assert/strict";
import { percentile } from "./percentile.ts";

/** Asks again and again until it is ended; then gives the times of all answers, in ms. */
export function probeWhile(url: string): { end(): Promise<readonly number[]> } {
  const times: number[] = [];
  let running = true;
  const work = (async () => {
    while (running) {
      const began = performance.now();
      const answer = await fetch(url);
      await answer.body?.cancel();
      assert.equal(answer.status, 200);
      times.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    async end() {
      running = false;
      await work;
      return times;
    },
  };
}

export function describeTimes(times: readonly number[]): string {
  const [p99, longest] = [percentile(times, 99), Math.max(...times)];
  return `${times.length} requests beside it: p99 ${p99.toFixed(1)} ms, longest ${longest.toFixed(1)} ms`;
}
