/** Holds how the `n` parameter is read. */
import assert from "node:assert/strict";
import { LARGEST_PAGE, parsePageSize } from "../../src/core/page.ts";

Deno.test("parsePageSize() reads a number", () => {
  assert.equal(parsePageSize("0"), 0);
  assert.equal(parsePageSize("25"), 25);
  assert.equal(parsePageSize("0025"), 25);
});

Deno.test("parsePageSize() gives the largest page to who asks for none, nothing, or more", () => {
  for (const text of [undefined, "", "1001", "9999999999", "9".repeat(400)]) {
    assert.equal(parsePageSize(text), LARGEST_PAGE);
  }
});

Deno.test("parsePageSize() refuses what is not decimal digits", () => {
  for (const text of ["-1", "+1", "abc", "1.5", "1e3", "0x10", " 1", "1 ", "\u0661", "NaN"]) {
    assert.throws(() => parsePageSize(text), { code: "PAGINATION_NUMBER_INVALID", status: 400 }, text);
  }
});
