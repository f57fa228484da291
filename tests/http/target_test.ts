/** Holds that request targets are taken apart without being changed. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { OciError } from "../../src/core/oci_error.ts";
import { decodeSegment, parseTarget, queryValue, queryValues } from "../../src/http/target.ts";

Deno.test("parseTarget() divides at the first question mark and leaves both parts as they are", () => {
  assert.deepEqual(parseTarget("/v2/a/../b?x=1?y"), { path: "/v2/a/../b", query: "x=1?y" });
  assert.deepEqual(parseTarget("/v2//%2e%2E/"), { path: "/v2//%2e%2E/", query: "" });
});

Deno.test("parseTarget() ignores the authority of an absolute-form target", () => {
  for (const target of ["http://other.example/v2/", "HTTPS://a:1/v2/", "http://u@h:5000/v2/"]) {
    assert.deepEqual(parseTarget(target), { path: "/v2/", query: "" });
  }
  assert.deepEqual(parseTarget("http://other.example"), { path: "/", query: "" });
  assert.deepEqual(parseTarget("http://other.example?n=/1"), { path: "/", query: "n=/1" });
});

Deno.test("parseTarget() refuses control and non-ASCII characters", () => {
  for (const target of ["/v2/\0", "/v2/a b", "/v2/\r\nx", "/v2/\u00e4", "/v2/\x7f"]) {
    assert.throws(() => parseTarget(target), { code: "REQUEST_INVALID" });
  }
});

Deno.test("decodeSegment() decodes once", () => {
  assert.equal(decodeSegment("sha256%3Aab%2d"), "sha256:ab-");
  assert.equal(decodeSegment("%6Catest"), "latest");
  assert.equal(decodeSegment("%2e%2e"), "..");
});

Deno.test("decodeSegment() refuses broken escapes and escapes that hide a separator", () => {
  for (
    const raw of [
      "%",
      "%2",
      "%zz",
      "a%2fb",
      "a%2Fb",
      "a%5cb",
      "%00",
      "%0d%0a",
      "%252f",
      "%c3%a4",
      "%7f",
      "%20",
    ]
  ) {
    assert.equal(decodeSegment(raw), undefined, raw);
  }
});

Deno.test("queryValue() reads a parameter, with or without a value", () => {
  assert.equal(queryValue("n=5&last=a%2Bb", "last"), "a+b");
  assert.equal(queryValue("n=5&last", "last"), "");
  assert.equal(queryValue("n=5&xlast=1", "last"), undefined);
  assert.equal(queryValue("", "last"), undefined);
  assert.equal(queryValue("last=a=b", "last"), "a=b");
});

Deno.test("queryValue() keeps a plus sign, which media types hold", () => {
  assert.equal(queryValue("artifactType=application/spdx+json", "artifactType"), "application/spdx+json");
});

Deno.test("queryValue() refuses a parameter that is there twice", () => {
  assert.throws(() => queryValue("digest=a&digest=b", "digest"), { code: "REQUEST_INVALID" });
});

Deno.test("queryValue() refuses values that do not decode to plain text", () => {
  for (const query of ["a=%", "a=%zz", "a=%ff", "a=%00", "a=%0d%0aX:1", "a=%7f", "a=%ed%a0%80"]) {
    assert.throws(() => queryValue(query, "a"), { code: "REQUEST_INVALID" }, query);
  }
});

Deno.test("queryValues() reads every value in order and minds no other parameter", () => {
  assert.deepEqual(queryValues("tag=a&x=%&tag=b", "tag"), ["a", "b"]);
});

Deno.test("parseTarget() and queryValue() throw nothing but the one error type", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    try {
      const { query } = parseTarget(text);
      queryValue(query, "n");
    } catch (error) {
      assert.ok(error instanceof OciError);
    }
  }));
});
