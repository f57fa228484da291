/** Patterns as shells write them. */
import assert from "node:assert/strict";
import { matchesGlob } from "../../src/core/glob.ts";

for (
  const [pattern, text, expected] of [
    ["*", "", true],
    ["*", "anything", true],
    ["pr-*", "pr-12", true],
    ["pr-*", "my-pr-12", false],
    ["pr-?", "pr-1", true],
    ["pr-?", "pr-12", false],
    ["*-rc*", "v1.0-rc.1", true],
    ["v*.0", "v1.0.0", true],
    ["v*.0", "v1.0.1", false],
    ["a*b*c", "axxbyyc", true],
    ["a*b*c", "axxbyy", false],
    ["[a]", "a", false],
    ["", "", true],
    ["", "a", false],
  ] as const
) {
  Deno.test(`the pattern "${pattern}" ${expected ? "fits" : "does not fit"} "${text}"`, () => {
    assert.equal(matchesGlob(pattern, text), expected);
  });
}

Deno.test("a pattern of many stars is judged at once", () => {
  assert.equal(matchesGlob(`${"a*".repeat(500)}b`, "a".repeat(128)), false);
});
