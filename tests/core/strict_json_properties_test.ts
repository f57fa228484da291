/** Strict JSON against JSON.parse and a strict decoder, on generated texts. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { checkStrictJson, type JsonValue, parseStrictJson } from "../../src/core/strict_json.ts";
import { expectOciError } from "./expect_oci_error.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const refuse = (bytes: Uint8Array) => expectOciError("MANIFEST_INVALID", () => parseStrictJson(bytes));

/** Values that every parser reads alike: no NUL, no half surrogate pairs. */
const jsonValue = fc.jsonValue({ stringUnit: "binary", maxDepth: 5 })
  .filter((value) => !JSON.stringify(value).includes(String.raw`\u0000`)) as fc.Arbitrary<JsonValue>;

Deno.test("parseStrictJson() agrees with JSON.parse on what JSON.stringify writes", () => {
  fc.assert(fc.property(jsonValue, fc.constantFrom("", "  ", "\t"), (value, indent) => {
    const text = JSON.stringify(value, undefined, indent);
    assert.deepEqual(parseStrictJson(encode(text)), JSON.parse(text));
  }));
});

Deno.test("parseStrictJson() rejects every text into which a key was put once more", () => {
  const input = fc.record({
    value: jsonValue,
    object: fc.nat(),
    key: fc.nat(),
    at: fc.nat(),
    escape: fc.boolean(),
  });
  let rejected = 0;
  fc.assert(
    fc.property(input, ({ value, object, key, at, escape }) => {
      const objects = countObjects(value);
      if (objects === 0) return;
      let left = object % objects;
      const text = write(value, (members) => {
        if (left-- !== 0) return members;
        const written = members[key % members.length]![0];
        const again = escape ? escapeAll(JSON.parse(written)) : written;
        return members.toSpliced(at % (members.length + 1), 0, [again, "null"]);
      });
      assert.doesNotThrow(() => JSON.parse(text));
      assert.match(refuse(encode(text)), /for the second time in one object/);
      rejected++;
    }),
    { numRuns: 1000 },
  );
  assert.ok(rejected > 100);
});

Deno.test("parseStrictJson() takes nothing that JSON.parse rejects, and the reverse only for a named reason", () => {
  const broken = fc.tuple(jsonValue, fc.nat(), fc.constantFrom(...'{}[]:,"\\0-+.eE\n u'), fc.boolean()).map(
    ([value, at, put, replace]) => {
      const text = JSON.stringify(value);
      const place = at % (text.length + 1);
      return text.slice(0, place) + put + text.slice(replace ? place + 1 : place);
    },
  );
  const tokens = fc.array(fc.constantFrom(..."{}[]:,", `"a"`, `"b"`, "1", "-", "0", ".", "e", "true", " "), {
    maxLength: 12,
  }).map((parts) => parts.join(""));
  fc.assert(
    fc.property(fc.oneof(broken, tokens), (text) => {
      const bytes = encode(text);
      const plain = new TextDecoder().decode(bytes);
      let expected: unknown;
      try {
        expected = JSON.parse(plain);
      } catch {
        refuse(bytes);
        return;
      }
      let value: JsonValue;
      try {
        value = parseStrictJson(bytes);
      } catch {
        assert.match(refuse(bytes), /second time|NUL|surrogate/);
        return;
      }
      assert.deepEqual(value, expected);
    }),
    { numRuns: 3000 },
  );
});

Deno.test("parseStrictJson() judges UTF-8 as a strict decoder does", () => {
  const byte = fc.oneof(
    fc.constantFrom(0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5),
    fc.integer({ min: 0x80, max: 0xff }),
  );
  fc.assert(
    fc.property(fc.array(byte, { minLength: 1, maxLength: 5 }), (inside) => {
      const bytes = Uint8Array.of(0x22, ...inside, 0x22);
      try {
        new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      } catch {
        assert.match(refuse(bytes), /invalid UTF-8/);
        return;
      }
      assert.equal(parseStrictJson(bytes), JSON.parse(new TextDecoder().decode(bytes)));
    }),
    { numRuns: 5000 },
  );
});

Deno.test("checkStrictJson() throws nothing but OciError", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
    try {
      checkStrictJson(bytes);
    } catch {
      expectOciError("MANIFEST_INVALID", () => checkStrictJson(bytes));
    }
  }));
});

function countObjects(value: JsonValue): number {
  if (value === null || typeof value !== "object") return 0;
  const inside = Object.values(value).reduce<number>((sum, each) => sum + countObjects(each), 0);
  return inside + (!Array.isArray(value) && Object.keys(value).length > 0 ? 1 : 0);
}

/** Writes JSON; `change` sees the members, as they are written, of every object that has any. */
function write(value: JsonValue, change: (members: [string, string][]) => [string, string][]): string {
  if (Array.isArray(value)) return `[${value.map((each) => write(each, change)).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value).map(([key, each]): [string, string] => [
    JSON.stringify(key),
    write(each, change),
  ]);
  return `{${(members.length > 0 ? change(members) : members).map((member) => member.join(":")).join(",")}}`;
}

function escapeAll(text: string): string {
  const units = Array.from(
    { length: text.length },
    (_, i) => text.charCodeAt(i).toString(16).padStart(4, "0"),
  );
  return `"${units.map((unit) => "\\u" + unit).join("")}"`;
}
