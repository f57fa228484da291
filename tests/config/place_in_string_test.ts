/** The way back from a character of a string to where it stands in the file. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { StringNode } from "../../src/config/document.ts";
import { findEntry } from "../../src/config/document.ts";
import { placeInString } from "../../src/config/place_in_string.ts";
import { readDocument } from "../../src/config/read_document.ts";

function readString(text: string): StringNode {
  const problems: never[] = [];
  const node = findEntry(readDocument("f", text, problems), ["a"])?.node;
  assert.deepEqual(problems, []);
  assert.ok(node?.kind === "string");
  return node;
}

/** A piece of a basic string, and the characters that it stands for; "@" marks the place that is looked for. */
const piece = fc.oneof(
  fc.constantFrom("b", " ", "é", "\u{1f600}", "#").map((text) => ({ written: text, value: text })),
  fc.constantFrom(
    ["\\n", "\n"],
    ['\\"', '"'],
    ["\\\\", "\\"],
    ["\\u00e9", "é"],
    ["\\U0001F600", "\u{1f600}"],
    ["\\x41", "A"],
    ["\\e", "\x1b"],
  ).map(([written, value]) => ({ written: written!, value: value! })),
);

const lineBreak = fc.constantFrom(["\n", "\n"], ["\\\n   ", ""], ["\\  \n\n  ", ""]).map(
  ([written, value]) => {
    return { written: written!, value: value! };
  },
);

function check(
  quotes: string,
  before: { written: string; value: string }[],
  after: string,
  opening = "",
): void {
  const prefix = `x = 1\n  a = ${quotes}${opening}`;
  const written = before.map((part) => part.written).join("");
  const text = `${prefix}${written}@${after}${quotes}\n`;
  const node = readString(text);
  const offset = before.reduce((sum, part) => sum + part.value.length, 0);
  assert.equal(node.value[offset], "@", "the test itself");
  const lines = (prefix + written).split("\n");
  assert.deepEqual(placeInString(node, offset), {
    file: "f",
    line: lines.length,
    column: lines[lines.length - 1]!.length + 1,
  });
}

Deno.test("placeInString() finds a character of a basic string behind every kind of escape", () => {
  fc.assert(fc.property(fc.array(piece, { maxLength: 8 }), (before) => check('"', before, "z")));
});

Deno.test("placeInString() finds a character of a multi-line string behind line breaks and escaped ones", () => {
  const parts = fc.array(fc.oneof(piece, lineBreak), { maxLength: 8 }).filter(fits);
  fc.assert(fc.property(parts, fc.constantFrom("", "\n"), (before, opening) => {
    // A line break right behind the opening quotation marks is dropped.
    if (opening === "" && before[0]?.written === "\n") return;
    check('"""', before, "z", opening);
  }));
});

/** True when TOML makes of the parts together what it makes of each: an escaped line end takes the spaces behind it. */
function fits(parts: { written: string; value: string }[]): boolean {
  const written = parts.map((part) => part.written).join("");
  return readString(`a = """.${written}"""`).value === "." + parts.map((part) => part.value).join("");
}

Deno.test("placeInString() finds a character of literal strings, where a backslash is one", () => {
  for (const quotes of ["'", "'''"]) check(quotes, [{ written: "\\u0041 \\", value: "\\u0041 \\" }], "z");
  check("'''", [{ written: "b\nc", value: "b\nc" }], "z", "\n");
});

Deno.test("placeInString() gives the start of a string that the environment changed, or that is shorter", () => {
  const node = readString('a = "b@"');
  assert.deepEqual(placeInString(node, 1), { file: "f", line: 1, column: 7 });
  assert.deepEqual(placeInString({ ...node, value: "elsewhere" }, 1), node.at);
  assert.deepEqual(placeInString(node, 3), node.at);
  assert.deepEqual(placeInString({ ...node, token: "" }, 0), node.at);
});
