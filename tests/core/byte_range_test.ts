/** Holds which parts of a content a Range header selects. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { MOST_RANGES, type RangeSelection, selectRanges } from "../../src/core/byte_range.ts";

function ranges(...pairs: [number, number][]): RangeSelection {
  return { kind: "ranges", ranges: pairs.map(([start, end]) => ({ start, end })) };
}

const WHOLE = { kind: "whole" };
const UNSATISFIABLE = { kind: "unsatisfiable" };

const CASES: [title: string, header: string, expected: unknown][] = [
  ["a closed range", "bytes=2-4", ranges([2, 5])],
  ["one byte", "bytes=0-0", ranges([0, 1])],
  ["an open range", "bytes=7-", ranges([7, 10])],
  ["a suffix", "bytes=-3", ranges([7, 10])],
  ["a suffix longer than the content", "bytes=-30", ranges([0, 10])],
  ["an end behind the content", "bytes=8-5000", ranges([8, 10])],
  ["the unit in capitals", "Bytes=1-2", ranges([1, 3])],
  ["blanks around ranges", "bytes= 0-1 , 4-5", ranges([0, 2], [4, 6])],
  ["empty list elements", "bytes=,0-1,,", ranges([0, 2])],
  ["several ranges in the order asked for", "bytes=8-9,0-1", ranges([8, 10], [0, 2])],
  ["neighbouring ranges", "bytes=0-4,5-9", ranges([0, 5], [5, 10])],
  ["only the satisfiable ones of several", "bytes=50-60,1-2", ranges([1, 3])],
  ["nothing of a start behind the end", "bytes=10-", UNSATISFIABLE],
  ["nothing of an empty suffix", "bytes=-0", UNSATISFIABLE],
  ["nothing of a range that ends before it starts", "bytes=5-0", UNSATISFIABLE],
  ["nothing of an empty list", "bytes=", UNSATISFIABLE],
  ["the whole for another unit", "items=0-1", WHOLE],
  ["the whole without a unit", "0-1", WHOLE],
  ["the whole for a single dash", "bytes=-", WHOLE],
  ["the whole for text", "bytes=a-b", WHOLE],
  ["the whole for a sign", "bytes=+1-2", WHOLE],
  ["the whole for a second dash", "bytes=1-2-3", WHOLE],
  ["the whole for numbers beyond counting", "bytes=0-99999999999999999999", WHOLE],
  ["the whole for overlapping ranges", "bytes=0-5,5-9", WHOLE],
  ["the whole for the same range twice", "bytes=0-,0-", WHOLE],
];

for (const [title, header, expected] of CASES) {
  Deno.test(`selectRanges() selects ${title}`, () => {
    assert.deepEqual(selectRanges(header, 10), expected);
  });
}

Deno.test("selectRanges() finds nothing in an empty content", () => {
  for (const header of ["bytes=0-", "bytes=0-0", "bytes=-1"]) {
    assert.deepEqual(selectRanges(header, 0), UNSATISFIABLE);
  }
});

Deno.test("selectRanges() selects the whole when there are more ranges than one answer carries", () => {
  const header = (count: number) =>
    "bytes=" + Array.from({ length: count }, (_, i) => `${2 * i}-${2 * i}`).join(",");
  assert.equal(selectRanges(header(MOST_RANGES), 1e6).kind, "ranges");
  assert.equal(selectRanges(header(MOST_RANGES + 1), 1e6).kind, "whole");
});

Deno.test("selectRanges() never selects more than the content holds, whatever the header", () => {
  const part = fc.tuple(fc.option(fc.nat(30)), fc.option(fc.nat(30)))
    .map(([first, last]) => `${first ?? ""}-${last ?? ""}`);
  const header = fc.oneof(
    fc.string(),
    fc.array(part, { maxLength: 5 }).map((parts) => `bytes=${parts.join()}`),
  );
  fc.assert(fc.property(header, fc.nat(20), (text, size) => {
    const selection = selectRanges(text, size);
    if (selection.kind !== "ranges") return;
    assert.ok(selection.ranges.length > 0);
    for (const { start, end } of selection.ranges) assert.ok(0 <= start && start < end && end <= size);
    assert.ok(selection.ranges.reduce((sum, { start, end }) => sum + end - start, 0) <= size);
  }));
});
