/** Ranges of versions, and selectors of tags. */
import assert from "node:assert/strict";
import { parseTag } from "../../src/core/tag.ts";
import { isSelected, parseTagSelector } from "../../src/core/tag_selector.ts";
import { isInRange, parseVersionRange } from "../../src/core/version_range.ts";

const RANGES: readonly (readonly [range: string, inside: readonly string[], outside: readonly string[]])[] = [
  [">=3.18", ["3.18", "3.18.0", "v3.19.2", "4", "10.0.0"], [
    "3.17.9",
    "3",
    "latest",
    "3.20-slim",
    "4.0.0-rc1",
  ]],
  [">3.18", ["3.19.0", "4.0.0"], ["3.18", "3.18.7", "3.19.0-rc1"]],
  [">3.18.1", ["3.18.2"], ["3.18.1"]],
  ["<4", ["3.99.99", "0.1"], ["4", "4.0.0", "4.0.0-rc1"]],
  ["<=3.18", ["3.18.7", "3.18"], ["3.19.0", "3.19"]],
  ["<=3.18.1", ["3.18.1", "3.18.0"], ["3.18.2"]],
  ["=3.18", ["3.18.0", "3.18.9"], ["3.19", "3.17.9"]],
  ["=3.18.1", ["3.18.1", "v3.18.1"], ["3.18.2"]],
  ["~1.2.3", ["1.2.3", "1.2.9"], ["1.2.2", "1.3.0"]],
  ["~1", ["1.0", "1.9.9"], ["2.0.0", "0.9"]],
  ["^1.2", ["1.2.0", "1.99.0"], ["1.1.9", "2.0.0"]],
  ["^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0", "0.2.2"]],
  ["^0.0.3", ["0.0.3"], ["0.0.4"]],
  ["^0", ["0.0.1", "0.9"], ["1.0"]],
  [">=3.18 <3.20", ["3.18", "3.19.9"], ["3.20", "3.17"]],
  [">=2.0.0-0 <3", ["2.0.0-rc1", "2.0.0", "2.1.0-alpha"], ["1.9", "3.0.0"]],
];

Deno.test("isInRange() takes the versions inside of all bounds, as npm does", () => {
  for (const [text, inside, outside] of RANGES) {
    const range = parseVersionRange(text);
    assert.ok(range, text);
    for (const tag of inside) assert.equal(isInRange(range, tag), true, `${tag} in ${text}`);
    for (const tag of outside) assert.equal(isInRange(range, tag), false, `${tag} not in ${text}`);
  }
});

Deno.test("parseVersionRange() takes nothing that could be meant as a tag, and nothing unclear", () => {
  for (
    const text of ["3.18", "", " ", "latest", ">=", ">= 3", ">=x", ">=1.2.3.4", ">1 || <2", ">=1.2.3 latest"]
  ) {
    assert.equal(parseVersionRange(text), undefined, text);
  }
});

Deno.test("a tag is selected by its name, by a pattern, or by a range", () => {
  const selectors = ["latest", "edge-*", ">=3.18 <4"].map((text) => parseTagSelector(text)!);
  const tags = ["latest", "edge-1", "edge", "3.18", "3.20.1", "4.0", "latest-1"].map(parseTag);
  assert.deepEqual(tags.filter((tag) => isSelected(selectors, tag)), ["latest", "edge-1", "3.18", "3.20.1"]);
  for (const text of ["", "a b", "*/x", "a:b", "-x", "?".repeat(129)]) {
    assert.equal(parseTagSelector(text), undefined, text);
  }
});
