/** Strict JSON: what JSON.parse takes, less what two parsers could read in two ways. */
import assert from "node:assert/strict";
import {
  checkStrictJson,
  DEEPEST_JSON,
  MOST_JSON_VALUES,
  parseStrictJson,
} from "../../src/core/strict_json.ts";
import { expectOciError } from "./expect_oci_error.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const latin1 = (text: string) => Uint8Array.from(text, (c) => c.charCodeAt(0));
const refuse = (bytes: Uint8Array) => expectOciError("MANIFEST_INVALID", () => parseStrictJson(bytes));

Deno.test("parseStrictJson() takes every kind of value", () => {
  const texts = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "-1.5e+10",
    "1E5",
    "0.0",
    "1e-7",
    `""`,
    `"a"`,
    String.raw`"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00\uFFFF"`,
    `"é€😀\x7f"`,
    "[]",
    "{}",
    "[[],{},[{}]]",
    `{"a":[1,{"b":null}],"":2}`,
    " \t\r\n[ 1 , 2 ]\n",
    `{ "a" : 1 , "b" : { "a" : 1 } }`,
    `[{"a":1},{"a":2}]`,
    `{"toString":1,"constructor":2,"hasOwnProperty":3}`,
  ];
  for (const text of texts) assert.deepEqual(parseStrictJson(encode(text)), JSON.parse(text), text);
});

const REFUSED: [string, string, string][] = [
  ["an empty text", "", "the text ends where a value is expected, at byte 1"],
  ["white space alone", "  ", "the text ends where a value is expected, at byte 3"],
  ["a word", "blablabla", `"b" where a value is expected, at byte 1`],
  ["a byte order mark", "\xef\xbb\xbf{}", "a byte order mark at byte 1"],
  ["a byte order mark of UTF-16", "\xff\xfe{\0}\0", "byte 0xff where a value is expected, at byte 1"],
  ["trailing data", "{} {}", `"{" where the end is expected, at byte 4`],
  ["a trailing NUL", "{}\0", String.raw`"\u0000" where the end is expected, at byte 3`],
  ["a trailing comma in an array", "[1,]", `"]" where a value is expected, at byte 4`],
  ["a trailing comma in an object", `{"a":1,}`, `"}" where a key in quotes is expected, at byte 8`],
  ["a leading comma", "[,1]", `"," where a value is expected, at byte 2`],
  ["a missing comma", "[1 2]", `"2" where "," or "]" is expected, at byte 4`],
  ["a missing colon", `{"a" 1}`, `"1" where ":" is expected, at byte 6`],
  ["a missing value", `{"a":}`, `"}" where a value is expected, at byte 6`],
  ["the wrong bracket for an array", "[1}", `"}" where "," or "]" is expected, at byte 3`],
  ["the wrong bracket for an object", `{"a":1]`, `"]" where "," or "}" is expected, at byte 7`],
  ["the wrong bracket for something empty", "[}", `"}" where a value is expected, at byte 2`],
  ["an array that does not end", "[1", `the text ends where "," or "]" is expected, at byte 3`],
  ["a closing bracket alone", "]", `"]" where a value is expected, at byte 1`],
  ["a comment", "{}//", `"/" where the end is expected, at byte 3`],
  ["a key without quotes", "{a:1}", `"a" where a key in quotes is expected, at byte 2`],
  ["a key in single quotes", "{'a':1}", `"'" where a key in quotes is expected, at byte 2`],
  ["a number as key", "{1:1}", `"1" where a key in quotes is expected, at byte 2`],
  ["a leading zero", "[01]", "number with a leading zero at byte 2"],
  ["a leading zero after a sign", "-01", "number with a leading zero at byte 1"],
  ["a plus sign", "+1", `"+" where a value is expected, at byte 1`],
  ["a sign alone", "-", "the text ends where a digit is expected, at byte 2"],
  ["two signs", "--1", `"-" where a digit is expected, at byte 2`],
  ["a number that starts with a point", ".5", `"." where a value is expected, at byte 1`],
  ["a number that ends with a point", "[5.]", `"]" where a digit is expected, at byte 4`],
  ["an exponent without digits", "[1e]", `"]" where a digit is expected, at byte 4`],
  ["an exponent with two signs", "1e+-1", `"-" where a digit is expected, at byte 4`],
  ["a hexadecimal number", "0x10", `"x" where the end is expected, at byte 2`],
  ["NaN", "NaN", `"N" where a value is expected, at byte 1`],
  ["Infinity", "-Infinity", `"I" where a digit is expected, at byte 2`],
  ["a broken word", "[tru]", `"t" where a value is expected, at byte 2`],
  ["a word that goes on", "truex", `"x" where the end is expected, at byte 5`],
  ["a no-break space", "\xc2\xa0{}", "byte 0xc2 where a value is expected, at byte 1"],
  ["a form feed as white space", "\f{}", String.raw`"\f" where a value is expected, at byte 1`],
  ["a string that does not end", `["abc`, "a string does not end; it starts at byte 2"],
  ["a string that ends in a backslash", `"\\`, "unknown escape in a string at byte 2"],
  ["a string whose closing quote is escaped", `"\\"`, "a string does not end; it starts at byte 1"],
  ["a raw newline in a string", `"a\nb"`, "control character in a string at byte 3"],
  ["a raw NUL in a string", `"a\0b"`, "control character in a string at byte 3"],
  ["an escaped NUL", String.raw`"a\u0000b"`, "NUL in a string at byte 3"],
  ["an unknown escape", String.raw`"\x41"`, "unknown escape in a string at byte 2"],
  ["a short escape", String.raw`"\u12"`, "unknown escape in a string at byte 2"],
  ["a short escape at the end", String.raw`"\u1`, "unknown escape in a string at byte 2"],
  ["an escape with a sign", String.raw`"\u+123"`, "unknown escape in a string at byte 2"],
  ["an escape in upper case", String.raw`"\N"`, "unknown escape in a string at byte 2"],
  ["a high surrogate alone", String.raw`"\ud800"`, "half a surrogate pair in a string at byte 2"],
  ["a low surrogate alone", String.raw`"\udc00"`, "half a surrogate pair in a string at byte 2"],
  ["two high surrogates", String.raw`"\ud800\ud800"`, "half a surrogate pair in a string at byte 2"],
  ["a pair in the wrong order", String.raw`"\udc00\ud800"`, "half a surrogate pair in a string at byte 2"],
  ["half a pair in a key", String.raw`{"\ud800":1}`, "half a surrogate pair in a string at byte 3"],
  ["half a pair at the very end", String.raw`"\ud800\ud`, "half a surrogate pair in a string at byte 2"],
  ["a continuation byte alone", `"\x80"`, "invalid UTF-8 at byte 2"],
  ["an overlong form of two bytes", `"\xc0\xaf"`, "invalid UTF-8 at byte 2"],
  ["an overlong form of three bytes", `"\xe0\x80\xaf"`, "invalid UTF-8 at byte 2"],
  ["an overlong form of four bytes", `"\xf0\x80\x80\xaf"`, "invalid UTF-8 at byte 2"],
  ["a surrogate in UTF-8", `"\xed\xa0\x80"`, "invalid UTF-8 at byte 2"],
  ["a code point beyond U+10FFFF", `"\xf4\x90\x80\x80"`, "invalid UTF-8 at byte 2"],
  ["a byte that UTF-8 never has", `"\xff"`, "invalid UTF-8 at byte 2"],
  ["a sequence that the quote cuts", `"\xe2\x82"`, "invalid UTF-8 at byte 2"],
  ["a sequence that the end cuts", `"\xf0\x9f`, "invalid UTF-8 at byte 2"],
  ["latin-1 text", `"caf\xe9"`, "invalid UTF-8 at byte 5"],
  ["a key twice", `{"a":1,"a":1}`, `key "a" for the second time in one object at byte 9`],
  [
    "a key twice, once escaped",
    String.raw`{"a":1,"\u0061":1}`,
    `key "a" for the second time in one object at byte 9`,
  ],
  [
    "a key twice, both escaped",
    String.raw`{"\n":1,"\u000a":1}`,
    String.raw`key "\n" for the second time in one object at byte 10`,
  ],
  [
    "a key twice with another between",
    `{"a":1,"b":2,"a":3}`,
    `key "a" for the second time in one object at byte 15`,
  ],
  [
    "a key twice around a nested object",
    `{"a":{"a":1},"a":3}`,
    `key "a" for the second time in one object at byte 15`,
  ],
  [
    "a key twice in a nested object",
    `{"b":[{"a":1,"a":3}]}`,
    `key "a" for the second time in one object at byte 15`,
  ],
  ["an empty key twice", `{"":1,"":1}`, `key "" for the second time in one object at byte 8`],
  [
    "__proto__ twice",
    `{"__proto__":1,"__proto__":1}`,
    `key "__proto__" for the second time in one object at byte 17`,
  ],
  [
    "an emoji twice, once escaped",
    '{"\xf0\x9f\x98\x80":1,"\\ud83d\\ude00":1}',
    String.raw`key "\ud83d\ude00" for the second time in one object at byte 12`,
  ],
];

for (const [what, text, message] of REFUSED) {
  Deno.test(`parseStrictJson() rejects ${what}`, () => {
    assert.equal(refuse(latin1(text)), `Cannot read manifest: ${message}`);
  });
}

Deno.test("parseStrictJson() finds a key twice wherever it stands among few or many", () => {
  for (const count of [2, 7, 8, 9, 10, 33, 500]) {
    const keys = Array.from({ length: count }, (_, i) => `"k${i}":0`);
    parseStrictJson(encode(`{${keys.join(",")}}`));
    for (
      const [first, second] of [[0, count], [count - 1, count], [0, 1], [count >> 1, count - 1]] as const
    ) {
      const twice = keys.toSpliced(second, 0, keys[first]!);
      assert.match(refuse(encode(`{${twice.join(",")}}`)), /for the second time/);
      const escaped = keys.toSpliced(second, 0, keys[first]!.replace("k", String.raw`\u006b`));
      assert.match(refuse(encode(`{${escaped.join(",")}}`)), /for the second time/);
    }
  }
});

Deno.test("parseStrictJson() tells keys apart that differ in case, form or length only", () => {
  const text = String.raw`{"a":1,"A":2,"\u00e9":3,"e\u0301":4,"":5,"aa":6,"\\u0061":7,"\"":8,"a ":9}`;
  assert.deepEqual(parseStrictJson(encode(text)), JSON.parse(text));
});

Deno.test("parseStrictJson() takes 64 levels and rejects the 65th", () => {
  const nest = (levels: number) => encode("[".repeat(levels) + "]".repeat(levels));
  parseStrictJson(nest(DEEPEST_JSON));
  assert.equal(
    refuse(nest(DEEPEST_JSON + 1)),
    "Cannot read manifest: more than 64 levels of arrays and objects at byte 65",
  );
  parseStrictJson(encode(`{"a":`.repeat(DEEPEST_JSON) + "1" + "}".repeat(DEEPEST_JSON)));
  refuse(encode(`{"a":`.repeat(DEEPEST_JSON + 1) + "1" + "}".repeat(DEEPEST_JSON + 1)));
});

Deno.test("parseStrictJson() rejects more values than JSON.parse is to be trusted with", () => {
  const list = (values: number) => encode(`[${Array(values - 1).fill("0").join(",")}]`);
  assert.equal((parseStrictJson(list(MOST_JSON_VALUES)) as unknown[]).length, MOST_JSON_VALUES - 1);
  assert.match(refuse(list(MOST_JSON_VALUES + 1)), /it holds 20001 values, at most 20000 are allowed$/);
  assert.equal(checkStrictJson(list(MOST_JSON_VALUES + 1)), MOST_JSON_VALUES + 1);
});

Deno.test("parseStrictJson() makes __proto__ an own property and leaves prototypes alone", () => {
  const value = parseStrictJson(encode(`{"__proto__":{"polluted":1}}`)) as Record<string, unknown>;
  assert.deepEqual(Object.keys(value), ["__proto__"]);
  assert.equal(Object.getPrototypeOf(value), Object.prototype);
  assert.equal(value["polluted"], undefined);
});

Deno.test("parseStrictJson() reads a part of a larger buffer", () => {
  const whole = encode(`xx{"a":1}yy`);
  assert.deepEqual(parseStrictJson(whole.subarray(2, 9)), { a: 1 });
});
