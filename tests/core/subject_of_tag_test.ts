/** Tags by which older clients say what a manifest is about. */
import assert from "node:assert/strict";
import { subjectOfTag } from "../../src/core/subject_of_tag.ts";
import { parseTag } from "../../src/core/tag.ts";

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
