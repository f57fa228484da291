/** Pieces of content become one. */
import assert from "node:assert/strict";
import { joinBytes } from "../../src/core/join_bytes.ts";

Deno.test("joinBytes() puts parts together in their order, empty ones too", () => {
  const parts = [[1, 2], [], [3]].map((part) => Uint8Array.from(part));
  assert.deepEqual(joinBytes(parts, 3), Uint8Array.of(1, 2, 3));
  assert.deepEqual(joinBytes([], 0), new Uint8Array());
});

Deno.test("joinBytes() copies nothing where there is one part", () => {
  const part = Uint8Array.of(1, 2);
  assert.equal(joinBytes([part], 2), part);
});
