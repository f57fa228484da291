/**
 * Lets the memory of bodies that have passed through go at once.
 *
 * Each piece of a body is a small object that holds up to 64 KiB outside of the JavaScript heap. Left to the collector, they
 * pile up until it looks for them, and then it looks at everything: an upload over TLS spent more time on that than on
 * decrypting, and eight of them held 519 MB. So whoever is done with a piece gives it back. What is too small for that is
 * collected every few mebibytes.
 */

/** Bytes of bodies between two collections. */
const COLLECT_EVERY = 4 * 1024 * 1024;

/** There when the runtime was started with `--expose-gc`, as the tasks of deno.json do. */
const collect = (globalThis as { gc?: (options: { type: "minor" | "major" }) => void }).gc;

let passed = 0;

/** Counts bytes that wait for the collector. */
function countBodyBytes(bytes: number): void {
  passed += bytes;
  if (passed < COLLECT_EVERY) return;
  passed = 0;
  collect?.({ type: "minor" });
}

/** Smaller ones may share their memory with others, and are not worth the effort. */
const SMALLEST = 8 * 1024;

/** Frees the memory of bytes that nobody needs any more, where they have it for themselves. */
export function giveBack({ length, buffer }: Uint8Array): void {
  const alone = length >= SMALLEST && length === buffer.byteLength && buffer instanceof ArrayBuffer;
  if (alone) buffer.transfer(0);
  else countBodyBytes(length);
}

/** Bytes of whole bodies between two collections of everything: those wait for each other long enough to grow old. */
const COLLECT_ALL_EVERY = 32 * 1024 * 1024;

let passedWhole = 0;

/** Bytes that a reference of a manifest takes as an object, on its way from thread to thread. */
const REFERENCE_BYTES = 400;

/**
 * Counts a body that was held whole in this thread and is needed no more.
 *
 * @param bytes of the body
 * @param references that were read from it: of a large index they take more room than its bytes
 */
export function countWholeBody(bytes: number, references = 0): void {
  passedWhole += bytes + references * REFERENCE_BYTES;
  if (passedWhole < COLLECT_ALL_EVERY) return;
  passedWhole = 0;
  collect?.({ type: "major" });
}
