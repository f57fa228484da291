/**
 * Lets the memory of bodies that have passed through go at once.
 *
 * Each piece of a body is a small object that holds 64 KiB outside of the JavaScript heap. The collector runs when its own
 * heap fills, which takes thousands of such objects: eight uploads over TLS held 519 MB. A collection of the youngest objects
 * every few mebibytes costs under a millisecond and bounds them (315 MB in the same run, with the throughput of before).
 */

/** Bytes of bodies between two collections. */
const COLLECT_EVERY = 4 * 1024 * 1024;

/** There when the runtime was started with `--expose-gc`, as the tasks of deno.json do. */
const collect = (globalThis as { gc?: (options: { type: "minor" | "major" }) => void }).gc;

let passed = 0;

/** Counts bytes of bodies that this thread received. */
export function countBodyBytes(bytes: number): void {
  passed += bytes;
  if (passed < COLLECT_EVERY) return;
  passed = 0;
  collect?.({ type: "minor" });
}

/** Bytes of whole bodies between two collections of everything: those wait for each other long enough to grow old. */
const COLLECT_ALL_EVERY = 32 * 1024 * 1024;

let passedWhole = 0;

/** Counts bytes of a body that was held whole in this thread and is needed no more. */
export function countWholeBody(bytes: number): void {
  passedWhole += bytes;
  if (passedWhole < COLLECT_ALL_EVERY) return;
  passedWhole = 0;
  collect?.({ type: "major" });
}
