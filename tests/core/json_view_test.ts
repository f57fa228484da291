/** A view of checked JSON reads single values exactly as JSON.parse would. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  findMembers,
  forEachElement,
  forEachMember,
  kindAt,
  memberNames,
  rootOf,
  showAt,
  stringAt,
  textBetween,
  wholeNumberAt,
} from "../../src/core/json_view.ts";
import type { JsonValue } from "../../src/core/strict_json.ts";
import { expectOciError } from "./expect_oci_error.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const NAMES = memberNames("layers", "size", "digest", "mediaType");

/** Builds the whole value with the functions of the view. */
function read(bytes: Uint8Array, at: number): JsonValue {
  const kind = kindAt(bytes, at);
  switch (kind) {
    case "object": {
      const entries: [string, JsonValue][] = [];
      forEachMember(bytes, at, (start, end, value) => {
        entries.push([textBetween(bytes, start, end), read(bytes, value)]);
      });
      return Object.fromEntries(entries);
    }
    case "array": {
      const elements: JsonValue[] = [];
      forEachElement(bytes, at, (element, index) => {
        assert.equal(index, elements.length);
        elements.push(read(bytes, element));
      });
      return elements;
    }
    case "string":
      return stringAt(bytes, at)!;
    case "number":
    case "boolean":
    case "null":
      return JSON.parse(showAt(bytes, at));
  }
}

Deno.test("the view reads what JSON.parse reads", () => {
  const value = fc.jsonValue({ stringUnit: "binary", maxDepth: 5 });
  fc.assert(fc.property(value, fc.constantFrom("", " ", "\t"), (value, indent) => {
    const text = indent + JSON.stringify(value, undefined, indent);
    const bytes = encode(text);
    assert.deepEqual(read(bytes, rootOf(bytes)), JSON.parse(text));
  }));
});

Deno.test("findMembers() gives the offsets of the members that have a name", () => {
  const text = ` { "size" : 3 , "x":{"digest":1}, "layers":[{"size":4}], "sizes":0, "s":"\\"" }`;
  assert.deepEqual(findMembers(encode(text), 1, NAMES), {
    size: text.indexOf("3"),
    layers: text.indexOf("["),
  });
  assert.deepEqual(findMembers(encode("{}"), 0, NAMES), {});
});

Deno.test("findMembers() knows a name that is written with escapes", () => {
  const text = String.raw`{"\u006cayers":1,"\u0073\u0069\u007a\u0065":2}`;
  assert.deepEqual(findMembers(encode(text), 0, NAMES), { layers: 15, size: text.lastIndexOf("2}") });
});

Deno.test("findMembers() rejects a key that Go takes for one of the names", () => {
  for (
    const key of [
      "Layers",
      "LAYERS",
      "layerS",
      "layer\u017f",
      "SIZE",
      "\u017fize",
      "mediatype",
      String.raw`\u004cayers`,
    ]
  ) {
    assert.match(
      expectOciError("MANIFEST_INVALID", () => findMembers(encode(`{"${key}":1}`), 0, NAMES)),
      /^Cannot read manifest: key ".*", which some readers take for ".*", at byte 3$/,
    );
  }
});

Deno.test("findMembers() lets every other key pass", () => {
  for (
    const key of [
      "layer",
      "layers2",
      " layers",
      "läyers",
      "\u212a",
      "lay\u212ars",
      "\u017f",
      "\u0131",
      "__proto__",
      "constructor",
      "",
      String.raw`\u006c`,
      "x".repeat(5000),
    ]
  ) {
    assert.deepEqual(findMembers(encode(`{"${key}":1}`), 0, NAMES), {});
  }
});

Deno.test("wholeNumberAt() takes safe integers of 0 or more in plain digits", () => {
  for (const text of ["0", "7", "9007199254740991"]) {
    assert.equal(wholeNumberAt(encode(`[${text}]`), 1), Number(text));
    assert.equal(wholeNumberAt(encode(text), 0), Number(text));
  }
  for (
    const text of [
      "-1",
      "-0",
      "1.0",
      "1e3",
      "9007199254740992",
      "1".repeat(400),
      `"1"`,
      "null",
      "true",
      "[]",
      "{}",
    ]
  ) {
    assert.equal(wholeNumberAt(encode(text), 0), undefined, text);
  }
});

Deno.test("stringAt() gives undefined for what is no string", () => {
  for (const text of ["1", "null", "true", "[]", "{}"]) assert.equal(stringAt(encode(text), 0), undefined);
});

Deno.test("showAt() is short and on one line", () => {
  assert.equal(showAt(encode(`"a\\n"`), 0), `"a\\n"`);
  assert.equal(showAt(encode("[1]"), 0), "an array");
  assert.equal(showAt(encode("{}"), 0), "an object");
  assert.equal(showAt(encode("[null]"), 1), "null");
  assert.equal(showAt(encode("-1.5e3"), 0), "-1.5e3");
  assert.ok(showAt(encode("1".repeat(1000)), 0).length < 110);
});
