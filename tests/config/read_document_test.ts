/** TOML texts, good and bad, and where their keys and values stand. */
import assert from "node:assert/strict";
import { formatProblem, type Problem } from "../../src/config/config_error.ts";
import { findEntry, type Node } from "../../src/config/document.ts";
import { readDocument } from "../../src/config/read_document.ts";

/** Plain values with `@line:column` behind each, maps as arrays of pairs. */
function outline(node: Node): unknown {
  switch (node.kind) {
    case "table":
      return [...node.entries].map(([name, entry]) => [
        `${name} @${entry.at.line}:${entry.at.column}`,
        outline(entry.node),
      ]);
    case "array":
      return { elements: node.elements.map(outline) };
    case "date":
      return "date";
    default:
      return `${node.value} @${node.at.line}:${node.at.column}`;
  }
}

function read(text: string): unknown {
  const problems: Problem[] = [];
  const document = readDocument("f.toml", text, problems);
  assert.deepEqual(problems, []);
  return outline(document);
}

function faultsOf(text: string): string[] {
  const problems: Problem[] = [];
  const document = readDocument("f.toml", text, problems);
  assert.equal(document.entries.size, 0);
  return problems.map(formatProblem);
}

Deno.test("readDocument() gives every key and value its place, through dotted keys and inline tables", () => {
  assert.deepEqual(read('a.b = 1\n[c."d.e"]\nf = {g = true, h.i = "x"}\n[c]\nj = 1.5'), [
    ["a @1:1", [["b @1:3", "1 @1:7"]]],
    ["c @2:2", [
      ["d.e @2:4", [["f @3:1", [["g @3:6", "true @3:10"], ["h @3:16", [["i @3:18", "x @3:22"]]]]]]],
      ["j @5:1", "1.5 @5:5"],
    ]],
  ]);
});

Deno.test("readDocument() puts the tables below [[a]] into its latest element", () => {
  assert.deepEqual(read("[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\nd = [3, [4]]\n[[a.e]]\nf = 5"), [
    ["a @1:3", {
      elements: [
        [["b @2:1", "1 @2:5"]],
        [
          ["b @4:1", "2 @4:5"],
          ["c @5:4", [["d @6:1", { elements: ["3 @6:6", { elements: ["4 @6:10"] }] }]]],
          ["e @7:5", { elements: [[["f @8:1", "5 @8:5"]]] }],
        ],
      ],
    }],
  ]);
});

Deno.test("readDocument() ignores a byte order mark and takes line ends of both kinds", () => {
  assert.deepEqual(read("\ufeffa = 1\r\nb = 2\n"), [["a @1:1", "1 @1:5"], ["b @2:1", "2 @2:5"]]);
});

Deno.test("readDocument() keeps integers exact, whatever their size", () => {
  const digits = "9".repeat(60);
  assert.deepEqual(read(`a = ${digits}\nb = 0xff\nc = 1_000`), [
    ["a @1:1", `${digits} @1:5`],
    ["b @2:1", "255 @2:5"],
    ["c @3:1", "1000 @3:5"],
  ]);
});

Deno.test("readDocument() reads dates and special floats as what they are", () => {
  assert.deepEqual(read("a = nan\nb = -inf\nc = 1979-05-27\nd = 07:32:00\ne = 1979-05-27T07:32:00Z"), [
    ["a @1:1", "NaN @1:5"],
    ["b @2:1", "-Infinity @2:5"],
    ["c @3:1", "date"],
    ["d @4:1", "date"],
    ["e @5:1", "date"],
  ]);
});

for (
  const [text, expected] of [
    ["a = 1\na = 2", "f.toml:2: not valid TOML at column 1: defining a key multiple times is invalid"],
    ["a = 1\na.b = 2", "f.toml:2: not valid TOML at column 1: defining a key multiple times is invalid"],
    ["a = {b = 1}\n[a.c]", "f.toml:2: not valid TOML at column 2: defining a key multiple times is invalid"],
    ["[a]\n[a]", "f.toml:2: not valid TOML at column 2: defining a key multiple times is invalid"],
    [
      "__proto__ = 1\n__proto__ = 2",
      "f.toml:2: not valid TOML at column 1: defining a key multiple times is invalid",
    ],
    ["a = [1]\n[[a]]", "f.toml:2: not valid TOML at column 3: defining a key multiple times is invalid"],
    ["[server", "f.toml:1: not valid TOML at column 8: unterminated table-key"],
    ["a = ", "f.toml:1: not valid TOML at column 5: unspecified values are invalid"],
    ["a = yes", "f.toml:1: not valid TOML at column 5: unexpected character"],
    ["a = 2000-99-99", "f.toml:1: not valid TOML at column 14: unexpected invalid date"],
  ] as const
) {
  Deno.test(`readDocument() refuses ${JSON.stringify(text)}, with line and column`, () => {
    assert.deepEqual(faultsOf(text), [expected]);
  });
}

for (
  const [what, text] of [
    ["arrays", "a = " + "[".repeat(100) + "]".repeat(100)],
    ["arrays beyond the stack of the parser", "a = " + "[".repeat(50_000) + "]".repeat(50_000)],
    ["inline tables", "a = " + "{a=".repeat(100) + "1" + "}".repeat(100)],
    ["dotted keys", "a" + ".a".repeat(50_000) + " = 1"],
    ["table headers", "[a" + ".a".repeat(100) + "]"],
    ["dotted keys below a header", "[a" + ".a".repeat(40) + "]\nb" + ".b".repeat(40) + " = 1"],
  ] as const
) {
  Deno.test(`readDocument() refuses ${what} that are nested too deeply`, () => {
    assert.match(
      faultsOf(text).join(),
      /tables and arrays are nested too deeply, at most 64 levels are read$/,
    );
  });
}

Deno.test("findEntry() finds nothing below a value", () => {
  const document = readDocument("f.toml", "a.b = 1", []);
  assert.equal(findEntry(document, ["a", "b"])?.node.kind, "integer");
  assert.equal(findEntry(document, ["a", "b", "c"]), undefined);
  assert.equal(findEntry(document, ["a", "constructor"]), undefined);
});
