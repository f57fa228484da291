/** Holds that only strict DER is read. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { DerError, DerReader, readSingle } from "../../src/auth/der_reader.ts";
import {
  booleanOf,
  namedBitsOf,
  objectIdentifierOf,
  serialOf,
  smallNumberOf,
  timeOf,
} from "../../src/auth/der_values.ts";
import { der, derInteger, derObjectIdentifier } from "../harness/der.ts";

const NOT_DER: [title: string, bytes: number[]][] = [
  ["nothing", []],
  ["a tag alone", [0x30]],
  ["an indefinite length", [0x30, 0x80, 0, 0]],
  ["a long length that fits into one byte", [0x04, 0x81, 0x01, 0xff]],
  ["a length with a leading zero", [0x04, 0x82, 0x00, 0x80, ...new Array(128).fill(0)]],
  ["a length of five bytes", [0x04, 0x85, 0, 0, 0, 0, 1, 0]],
  ["a length beyond the end", [0x04, 0x02, 0x00]],
  ["a length that is cut off", [0x04, 0x82, 0x01]],
  ["a tag of several bytes", [0x1f, 0x81, 0x01, 0x00]],
  ["something after the value", [0x05, 0x00, 0x00]],
];

for (const [title, bytes] of NOT_DER) {
  Deno.test(`readSingle() refuses ${title}`, () => {
    assert.throws(() => readSingle(Uint8Array.from(bytes), "it"), DerError);
  });
}

Deno.test("readSingle() reads every length in its shortest form", () => {
  for (const length of [0, 1, 127, 128, 255, 256, 65_535, 65_536, 100_000]) {
    const value = readSingle(der(0x04, new Uint8Array(length)), "it", 0x04);
    assert.equal(value.content.length, length);
  }
});

const REFUSED: [
  title: string,
  read: (value: ReturnType<typeof readSingle>, what: string) => unknown,
  bytes: number[],
][] = [
  ["a boolean that is neither", booleanOf, [0x01, 1, 0x01]],
  ["an empty boolean", booleanOf, [0x01, 0]],
  ["an empty integer", serialOf, [0x02, 0]],
  ["a negative integer", serialOf, [0x02, 1, 0x80]],
  ["an integer with leading zeros", serialOf, [0x02, 2, 0, 1]],
  ["a serial number of 33 bytes", serialOf, [0x02, 33, 1, ...new Array(32).fill(0)]],
  ["a small number of 2^31", smallNumberOf, [0x02, 5, 0, 0x80, 0, 0, 0]],
  ["a bit string without bytes", namedBitsOf, [0x03, 0]],
  ["a bit string of which 8 bits are unused", namedBitsOf, [0x03, 2, 8, 0]],
  ["an empty identifier", objectIdentifierOf, [0x06, 0]],
  ["an identifier that is cut off", objectIdentifierOf, [0x06, 2, 0x55, 0x80]],
  ["an identifier with leading zeros", objectIdentifierOf, [0x06, 3, 0x55, 0x80, 0x01]],
];

for (const [title, read, bytes] of REFUSED) {
  Deno.test(`DER values: refuses ${title}`, () => {
    assert.throws(() => read(readSingle(Uint8Array.from(bytes), "it"), "it"), DerError);
  });
}

Deno.test("DER values: reads identifiers and serial numbers of any size", () => {
  for (const dotted of ["0.0", "1.39", "2.5.29.19", "2.999.1", "1.2.840.113549.1.1.11"]) {
    assert.equal(objectIdentifierOf(readSingle(derObjectIdentifier(dotted), "it"), "it"), dotted);
  }
  const uuid = Uint8Array.from([0x06, 20, 0x69, ...new Array(18).fill(0xff), 0x7f]);
  assert.equal(objectIdentifierOf(readSingle(uuid, "it"), "it"), `2.25.${2n ** 133n - 1n}`);
  for (const [bytes, text] of [[[0], "0"], [[0x0a, 0xbc], "abc"], [[0x80], "80"], [[1, 0], "100"]] as const) {
    assert.equal(serialOf(readSingle(derInteger(Uint8Array.from(bytes)), "it"), "it"), text);
  }
});

const TIMES: [tag: number, text: string, time: string | undefined][] = [
  [0x17, "491231235959Z", "2049-12-31T23:59:59.000Z"],
  [0x17, "500101000000Z", "1950-01-01T00:00:00.000Z"],
  [0x18, "20500101000000Z", "2050-01-01T00:00:00.000Z"],
  [0x18, "99991231235959Z", "9999-12-31T23:59:59.000Z"],
  [0x18, "00500101000000Z", "0050-01-01T00:00:00.000Z"],
  [0x17, "240229000000Z", "2024-02-29T00:00:00.000Z"],
  [0x17, "230229000000Z", undefined],
  [0x17, "231301000000Z", undefined],
  [0x17, "230100000000Z", undefined],
  [0x17, "230101240000Z", undefined],
  [0x17, "230101000060Z", undefined],
  [0x17, "2301010000Z", undefined],
  [0x17, "230101000000+0100", undefined],
  [0x18, "20500101000000.5Z", undefined],
  [0x18, "20500101000000", undefined],
  [0x18, "20500101000000Zxxxxxxxxxxxx", undefined],
  [0x13, "230101000000Z", undefined],
];

for (const [tag, text, expected] of TIMES) {
  Deno.test(`timeOf() ${expected === undefined ? "refuses" : "reads"} ${text} with the tag ${tag}`, () => {
    const read = () => timeOf(readSingle(der(tag, new TextEncoder().encode(text)), "it"), "it");
    if (expected === undefined) assert.throws(read, DerError);
    else assert.equal(new Date(read()).toISOString(), expected);
  });
}

Deno.test("DerReader throws nothing but DerError and always comes to an end, whatever the bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    const reader = new DerReader(bytes);
    let rest = bytes.length;
    try {
      while (reader.follows()) {
        const { encoding, content } = reader.read("it");
        rest -= encoding.length;
        assert.ok(content.length <= encoding.length - 2);
      }
      assert.equal(rest, 0);
    } catch (fault) {
      assert.ok(fault instanceof DerError);
    }
  }));
});
