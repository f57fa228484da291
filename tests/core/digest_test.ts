/** Digests: only sha256 and sha512, only lower-case hexadecimal digits, only the right number of them. */
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  algorithmOf,
  hexOf,
  isDigest,
  makeDigest,
  parseDigest,
  parseDigestAlgorithm,
} from "../../src/core/digest.ts";
import { expectOciError } from "./expect_oci_error.ts";

const HEX64 = "0123456789abcdef".repeat(4);
const HEX128 = HEX64.repeat(2);

Deno.test("parseDigest() takes sha256 with 64 and sha512 with 128 hexadecimal digits", () => {
  for (const text of [`sha256:${HEX64}`, `sha512:${HEX128}`]) {
    assert.equal(parseDigest(text), text);
    assert.equal(isDigest(text), true);
  }
});

const REFUSED: Record<string, string> = {
  "an empty text": "",
  "no colon": HEX64,
  "no algorithm": `:${HEX64}`,
  "no hexadecimal digits": "sha256:",
  "an unknown algorithm": `sha384:${"0".repeat(96)}`,
  "md5": `md5:${"0".repeat(32)}`,
  "an algorithm in upper case": `SHA256:${HEX64}`,
  "a compound algorithm": `sha256+b64:${HEX64}`,
  "63 digits": `sha256:${HEX64.slice(1)}`,
  "65 digits": `sha256:${HEX64}0`,
  "64 digits for sha512": `sha512:${HEX64}`,
  "128 digits for sha256": `sha256:${HEX128}`,
  "upper-case digits": `sha256:${HEX64.toUpperCase()}`,
  "a letter after f": `sha256:g${HEX64.slice(1)}`,
  "a second colon": `sha256:${HEX64.slice(1)}:`,
  "a slash": `sha256:../${HEX64.slice(3)}`,
  "a trailing newline": `sha256:${HEX64.slice(1)}\n`,
  "a newline after all digits": `sha256:${HEX64}\n`,
  "a leading space": ` sha256:${HEX64}`,
  "NUL": `sha256:${HEX64.slice(1)}\0`,
  "full-width digits": `sha256:${"０".repeat(64)}`,
  "`__proto__` as algorithm": `__proto__:${HEX64}`,
  "`toString` as algorithm": "toString:",
  "an escaped colon": `sha256%3a${HEX64}`,
};

for (const [what, text] of Object.entries(REFUSED)) {
  Deno.test(`parseDigest() rejects ${what}`, () => {
    expectOciError("DIGEST_INVALID", () => parseDigest(text));
    assert.equal(isDigest(text), false);
  });
}

Deno.test("parseDigest() says what it expected", () => {
  assert.equal(
    expectOciError("DIGEST_INVALID", () => parseDigest("sha256:abc")),
    `Cannot read digest "sha256:abc": expected 64 hexadecimal digits, found 3 characters`,
  );
});

Deno.test("parseDigest() agrees with the regular expression of the two algorithms", () => {
  const text = fc.oneof(
    fc.stringMatching(/^sha(256|512):[0-9a-fA-F]{62,66}$/),
    fc.stringMatching(/^sha(256|512):[0-9a-f]{128}$/),
    fc.string({ unit: "binary", maxLength: 140 }),
  );
  fc.assert(fc.property(text, (text) => {
    const expected = /^(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/.test(text);
    assert.equal(isDigest(text), expected);
    if (!expected) expectOciError("DIGEST_INVALID", () => parseDigest(text));
  }));
});

Deno.test("algorithmOf() and hexOf() take a digest apart and makeDigest() joins it", () => {
  for (const text of [`sha256:${HEX64}`, `sha512:${HEX128}`]) {
    const digest = parseDigest(text);
    assert.equal(makeDigest(algorithmOf(digest), hexOf(digest)), digest);
    assert.equal(algorithmOf(digest), text.slice(0, 6));
    assert.equal(hexOf(digest), text.slice(7));
  }
});

Deno.test("parseDigestAlgorithm() takes sha256 and sha512 only", () => {
  assert.equal(parseDigestAlgorithm("sha256"), "sha256");
  assert.equal(parseDigestAlgorithm("sha512"), "sha512");
  for (const text of ["", "sha1", "sha384", "SHA256", "sha256 ", "sha256:", "__proto__"]) {
    expectOciError("DIGEST_INVALID", () => parseDigestAlgorithm(text));
  }
});
