/** Patterns as shells write them. */
import assert from "node:assert/strict";
import { formatSize } from "../../src/core/format_size.ts";
import { matchesGlob } from "../../src/core/glob.ts";
import { subjectOfTag } from "../../src/core/subject_of_tag.ts";
import { parseTag } from "../../src/core/tag.ts";

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

Deno.test("a tag that is made of a digest says what its manifest is about", () => {
  const hex = "a".repeat(64);
  for (const suffix of ["", ".sig", ".att", ".sbom"]) {
    assert.equal(subjectOfTag(parseTag(`sha256-${hex}${suffix}`)), `sha256:${hex}`);
  }
  for (
    const text of ["latest", `sha256-${hex}0`, `sha256-${hex.slice(1)}`, `sha256-${hex}.a.b`, `md5-${hex}`]
  ) {
    assert.equal(subjectOfTag(parseTag(text)), undefined, text);
  }
});
