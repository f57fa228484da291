/** Measures how long the event loop of this thread stands still; asked over a broadcast channel. */

/** What a probe answers: the longest time since it was last asked, in ms, that a timer came late. */
export interface LagReport {
  readonly thread: "http" | "idle";
  readonly worstMs: number;
}

/** Name of the channel: "report" asks, a {@linkcode LagReport} of each thread answers. */
export const LAG_CHANNEL = "lag of event loops";

const EVERY_MS = 5;

/** Begins to measure in this thread, for as long as it lives. */
export function probeLoop(thread: LagReport["thread"]): void {
  let worst = 0;
  let last = performance.now();
  setInterval(() => {
    const now = performance.now();
    worst = Math.max(worst, now - last - EVERY_MS);
    last = now;
  }, EVERY_MS);
  const channel = new BroadcastChannel(LAG_CHANNEL);
  channel.onmessage = ({ data }) => {
    if (data !== "report") return;
    // Whatever stands still now is seen first.
    setTimeout(() => {
      channel.postMessage({ thread, worstMs: worst } satisfies LagReport);
      worst = 0;
    }, 2 * EVERY_MS);
  };
}
