/** Sizes for people. */
import assert from "node:assert/strict";
import { formatSize } from "../../src/core/format_size.ts";

Deno.test("sizes are written for people, rounded down", () => {
  const sizes = [0, 1, 1023, 1024, 1536, 1024 ** 2 - 1, 10 * 1024 ** 3, 2 ** 60];
  assert.deepEqual(sizes.map(formatSize), [
    "0 bytes",
    "1 byte",
    "1023 bytes",
    "1 KiB",
    "1.5 KiB",
    "1023.99 KiB",
    "10 GiB",
    "1024 PiB",
  ]);
});
