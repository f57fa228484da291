/** Gives an upstream up that sends, but so little that its blob would never end. */
import { UpstreamFault } from "../core/upstream_fault.ts";

/** Bytes a second that have to come, over a window of so many ms. */
const LEAST_RATE = 1024;
const WINDOW_MS = 30_000;

/**
 * Passes chunks on. Time in which nobody takes them does not count.
 *
 * @param now ms of a clock that nobody sets
 * @throws {UpstreamFault} "timeout" when fewer than 1 KiB a second come
 */
export async function* steadily(
  chunks: AsyncIterable<Uint8Array>,
  now: () => number = () => performance.now(),
): AsyncGenerator<Uint8Array> {
  let [waited, came] = [0, 0];
  let asked = now();
  for await (const chunk of chunks) {
    waited += now() - asked;
    came += chunk.length;
    if (waited >= WINDOW_MS) {
      if (came < LEAST_RATE * waited / 1000) {
        throw new UpstreamFault(
          "timeout",
          `the upstream sends fewer than ${LEAST_RATE} bytes a second: ${came} in ${
            Math.round(waited / 1000)
          } s`,
        );
      }
      [waited, came] = [0, 0];
    }
    yield chunk;
    asked = now();
  }
}
