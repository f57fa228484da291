import assert from "node:assert/strict";
import { readAuthorization } from "../../src/auth/basic_credentials.ts";
import { expectOciError } from "../core/expect_oci_error.ts";
import { utf8 } from "../model/bytes.ts";

function basic(pair: string | Uint8Array): string {
  return `Basic ${(typeof pair === "string" ? utf8(pair) : pair).toBase64()}`;
}

Deno.test("readAuthorization() takes Basic and Bearer in any case", () => {
  const pair = utf8("alice:secret").toBase64();
  for (const scheme of ["Basic", "basic", "BASIC", "bAsIc"]) {
    assert.deepEqual(readAuthorization(`${scheme} ${pair}`), {
      kind: "basic",
      username: "alice",
      password: "secret",
    });
  }
  for (const scheme of ["Bearer", "bearer", "BEARER"]) {
    assert.deepEqual(readAuthorization(`${scheme} a.b.c`), { kind: "bearer", token: "a.b.c" });
  }
  assert.deepEqual(readAuthorization(`Basic   ${pair}  `), readAuthorization(`Basic ${pair}`));
});

Deno.test("readAuthorization() divides at the first colon and keeps every character", () => {
  const cases: [pair: string, username: string, password: string][] = [
    ["a:b:c:", "a", "b:c:"],
    ["a:", "a", ""],
    [":b", "", "b"],
    ["::", "", ":"],
    ["a b : c ", "a b ", " c "],
    ["\u00fcser:p\u00e4ss\u{1f511}", "\u00fcser", "p\u00e4ss\u{1f511}"],
    ["\ufeffa:b", "\ufeffa", "b"],
  ];
  for (const [pair, username, password] of cases) {
    assert.deepEqual(readAuthorization(basic(pair)), { kind: "basic", username, password });
  }
  assert.deepEqual(readAuthorization("Basic YTpi"), readAuthorization(basic("a:b")));
  assert.deepEqual(
    readAuthorization("Basic YTpiYw"),
    readAuthorization("Basic YTpiYw=="),
    "padding may be left out",
  );
});

Deno.test("readAuthorization() takes an empty pair, and no header, for nobody", () => {
  for (const header of [undefined, "", basic(":")]) {
    assert.deepEqual(readAuthorization(header), { kind: "none" });
  }
});

Deno.test("readAuthorization() refuses what it cannot read, and does not repeat it", () => {
  const unreadable = [
    "Basic",
    "Basic ",
    "Bearer",
    "Bearer ",
    "secret",
    "Digest username=secret",
    "Negotiate secret",
    "Basic\tc2VjcmV0OnM=",
    "Basic c2VjcmV0OnM=, Bearer secret",
    "Basic c2Vj*cmV0OnM=",
    "Basic c2VjcmV0OnM===",
    "Basic c2VjcmV0O",
    "Basic \u00e9",
    basic("no-colon-secret"),
    basic(""),
    basic("secret\0:a"),
    basic("a:secret\0"),
    basic("secret\n:a"),
    basic("a:secret\r\nX: y"),
    basic("secret\x7f:a"),
    basic("secret\u0085:a"),
    basic(`a:${"s".repeat(2047)}`),
    basic(Uint8Array.of(0x61, 0x3a, 0xff)),
    basic(Uint8Array.of(0x61, 0x3a, 0xc0, 0x80)),
    basic(Uint8Array.of(0x61, 0x3a, 0xed, 0xa0, 0x80)),
  ];
  for (const header of unreadable) {
    const message = expectOciError("UNAUTHORIZED", () => readAuthorization(header));
    assert.doesNotMatch(message, /secret|c2Vj/);
  }
});

Deno.test("readAuthorization() takes names and passwords of 2,048 characters together", () => {
  assert.equal(readAuthorization(basic(`a:${"s".repeat(2046)}`)).kind, "basic");
});
