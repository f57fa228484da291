/** Tags: the grammar of distribution-spec "Pulling manifests". */
import assert from "node:assert/strict";
import fc from "fast-check";
import { parseTag } from "../../src/core/tag.ts";
import { expectOciError } from "./expect_oci_error.ts";

Deno.test("parseTag() takes what the specification allows", () => {
  for (
    const text of [
      "latest",
      "_",
      "__",
      "0",
      "V1",
      "3.20",
      "a..b",
      "a.-_",
      "1.2.3_build.4",
      "_uploads",
      "a".repeat(128),
    ]
  ) {
    assert.equal(parseTag(text), text);
  }
});

Deno.test("parseTag() rejects everything else", () => {
  for (
    const text of [
      "",
      ".",
      "..",
      ".a",
      "-a",
      "-",
      "a/b",
      "a:b",
      "a+b",
      "a b",
      " a",
      "a ",
      "a\n",
      "\na",
      "a\r",
      "a\0",
      "a%2fb",
      "a@b",
      "é",
      "ａ",
      "a".repeat(129),
      "a".repeat(8000),
    ]
  ) {
    expectOciError("TAG_INVALID", () => parseTag(text));
  }
});

Deno.test("parseTag() agrees with the expression of the specification and throws nothing but OciError", () => {
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom(..."aZ0_.-/:\n"), maxLength: 6 }),
    fc.string({ unit: "binary", maxLength: 130 }),
  );
  fc.assert(fc.property(text, (text) => {
    if (/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/.test(text)) assert.equal(parseTag(text), text);
    else expectOciError("TAG_INVALID", () => parseTag(text));
  }));
});
