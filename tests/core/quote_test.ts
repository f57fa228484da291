/** Values of clients are put into messages escaped, bounded and on one line. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { quote } from "../../src/core/quote.ts";

Deno.test("quote() leaves printable ASCII as it is", () => {
  assert.equal(quote("library/alpine:3.20"), `"library/alpine:3.20"`);
});

Deno.test("quote() escapes quotes, backslashes, control and non-ASCII characters", () => {
  assert.equal(quote(`a"b\\c`), String.raw`"a\"b\\c"`);
  assert.equal(quote("a\r\nb\0\x7f\x1b[31m"), String.raw`"a\r\nb\u0000\u007f\u001b[31m"`);
  assert.equal(quote("é\u202e\u2028\ufeff😀"), String.raw`"\u00e9\u202e\u2028\ufeff\ud83d\ude00"`);
  assert.equal(quote("\ud800"), String.raw`"\ud800"`);
});

Deno.test("quote() leaves out the middle of a long text", () => {
  assert.equal(quote("a".repeat(100)), `"${"a".repeat(100)}"`);
  assert.equal(quote("a".repeat(100) + "z"), `"${"a".repeat(80)}...${"a".repeat(14)}z"`);
});

Deno.test("quote() always gives one bounded line of ASCII that JSON.parse reads", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
    const quoted = quote(text);
    assert.match(quoted, /^"[ -~]*"$/);
    assert.ok(quoted.length <= 602);
    if (text.length <= 100) assert.equal(JSON.parse(quoted), text);
  }));
});
