/** Compares large contents without the difference that node's assert would write out, which takes gigabytes for megabytes. */

import assert from "node:assert/strict";

/** Fails with the first offset at which the bytes differ. */
export function assertSameBytes(actual: Uint8Array, expected: Uint8Array): void {
  const shared = Math.min(actual.length, expected.length);
  let offset = 0;
  while (offset < shared && actual[offset] === expected[offset]) offset++;
  if (offset === actual.length && offset === expected.length) return;
  assert.fail(
    `got ${actual.length} bytes, expected ${expected.length}; they differ from offset ${offset} on`,
  );
}
