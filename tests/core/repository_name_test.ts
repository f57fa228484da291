/** Repository names: the grammar of distribution-spec "Pulling manifests", without the time that its expression takes. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { isRepositoryName, parseRepositoryName } from "../../src/core/repository_name.ts";
import { cheapest } from "../harness/cheapest.ts";
import { expectOciError } from "./expect_oci_error.ts";

/** The expression of the specification, anchored. Only for short texts: it can be made to backtrack. */
const GRAMMAR = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*$/;

const ACCEPTED = [
  "a",
  "0",
  "alpine",
  "library/alpine",
  "a/b/c/d/e/f/g/h",
  "a.b",
  "a_b",
  "a__b",
  "a-b",
  "a--b",
  "a----------b",
  "a.b_c__d-e",
  "0.0",
  "1/2",
  "docker.io/library/alpine",
  "v2",
  "v2/v2",
  "manifests",
  "blobs/uploads",
  "tags/list",
  "a/manifests/latest",
  "a/blobs/sha256",
  "con",
  "nul",
  "a".repeat(255),
  "a/".repeat(127) + "a",
  "a-".repeat(127) + "a",
  "a" + "-".repeat(253) + "a",
];

/** Wrong as a whole, or wrong as a component of a longer name. */
const WRONG_COMPONENTS = [
  ".",
  "..",
  "...",
  ".a",
  "a.",
  "a..b",
  "_",
  "__",
  "_a",
  "a_",
  "a___b",
  "a__",
  "__a",
  "-",
  "--",
  "-a",
  "a-",
  "a-.b",
  "a.-b",
  "a_-b",
  "a-_b",
  "a._b",
  "a_.b",
  "a__.b",
  "_uploads",
  "_catalog",
  "_manifests",
  "A",
  "aB",
  "Alpine",
  "LIBRARY",
  "a b",
  " a",
  "a ",
  "a\tb",
  "a\nb",
  "a\n",
  "\na",
  "a\r\n",
  "a\r\nX-Header: y",
  "a\0",
  "\0",
  "a\0b",
  "a\x7f",
  "a%2fb",
  "a%2Fb",
  "%2e%2e",
  "a%00",
  "%",
  "a%20b",
  "a:b",
  "a:latest",
  "localhost:5000",
  "a@b",
  "a@sha256:" + "0".repeat(64),
  "a+b",
  "a~b",
  "~",
  "a\\b",
  "..\\..",
  "a?b",
  "a?n=1",
  "a#b",
  "a&b",
  "a=b",
  "a;b",
  "a,b",
  "a!b",
  "a$b",
  "$(id)",
  "`id`",
  "a*b",
  "*",
  "a'b",
  'a"b',
  "a<b",
  "<script>",
  "a|b",
  "a(b)",
  "a[b]",
  "{a}",
  "a^b",
  "é",
  "aé",
  "ä",
  "ａ",
  "０",
  "٣",
  "а",
  "ſ",
  "K",
  "ı",
  "a\u0301",
  "a\u200bb",
  "a\u200d",
  "a\u202eb",
  "\ufeffa",
  "a\u2024b",
  "a\u2044b",
  "a\u2215b",
  "a\uff0fb",
  "😀",
  "\ud800",
  "a\udc00",
  "a\u2028",
  "a\u00a0",
  "a\u00adb",
  "a\u1680",
];

const WRONG_NAMES = [
  "",
  "/",
  "//",
  "/a",
  "a/",
  "a/b/",
  "a//b",
  "/a/",
  "a///b",
  "../a",
  "a/..",
  "a/../b",
  "a/./b",
  "../../etc/passwd",
  "..%2f..%2fetc%2fpasswd",
  "a/b/../../c",
  "a/_uploads/b",
  "a/_layers",
  "https://a/b",
  "file:///etc/passwd",
  "a".repeat(256),
  "a/".repeat(128),
  "a-".repeat(128) + "a",
  "a" + "-".repeat(255),
  "a".repeat(8000),
  "é".repeat(256),
];

Deno.test("parseRepositoryName() takes every name of the grammar", () => {
  for (const name of ACCEPTED) {
    assert.match(name, GRAMMAR);
    assert.equal(parseRepositoryName(name), name);
    assert.equal(isRepositoryName(name), true);
  }
});

Deno.test("parseRepositoryName() rejects odd names, alone and between other components", () => {
  const names = [...WRONG_NAMES, ...WRONG_COMPONENTS.flatMap((part) => [part, `a/${part}`, `${part}/a`])];
  assert.ok(names.length > 200);
  for (const name of names) {
    expectOciError("NAME_INVALID", () => parseRepositoryName(name));
    assert.equal(isRepositoryName(name), false);
  }
});

Deno.test("parseRepositoryName() says what is wrong and where", () => {
  const messages: [string, string][] = [
    ["", `Cannot use repository name "": it is empty`],
    ["a/", `Cannot use repository name "a/": it ends with a separator`],
    ["a//b", `Cannot use repository name "a//b": unexpected "/" at position 3`],
    [
      "a-/b",
      `Cannot use repository name "a-/b": the separator at position 2 is not followed by a letter or digit`,
    ],
    [
      "Alpine",
      `Cannot use repository name "Alpine": unexpected "A" at position 1: use lower-case letters, digits, and ` +
      `single . _ __ - between them`,
    ],
  ];
  for (const [name, message] of messages) {
    assert.equal(expectOciError("NAME_INVALID", () => parseRepositoryName(name)), message);
  }
  assert.match(
    expectOciError("NAME_INVALID", () => parseRepositoryName("a".repeat(256))),
    /: it has 256 characters, at most 255 are allowed$/,
  );
});

Deno.test("parseRepositoryName() judges names made against backtracking in less than 5 ms", async () => {
  for (
    const name of ["a-".repeat(127) + "!", "a-".repeat(4000) + "!", "a" + "-".repeat(8000), "0_".repeat(4000)]
  ) {
    const ms = await cheapest(() => expectOciError("NAME_INVALID", () => parseRepositoryName(name)), 5);
    assert.ok(ms < 5, `${ms} ms`);
  }
});

Deno.test("parseRepositoryName() agrees with the expression of the specification", () => {
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom(..."a0._-/"), maxLength: 12 }),
    fc.string({ unit: fc.constantFrom(..."az09._-/AZ\n%: é"), maxLength: 8 }),
    fc.string({ unit: "binary", maxLength: 12 }),
  );
  fc.assert(
    fc.property(text, (text) => {
      if (GRAMMAR.test(text)) assert.equal(parseRepositoryName(text), text);
      else expectOciError("NAME_INVALID", () => parseRepositoryName(text));
    }),
    { numRuns: 5000 },
  );
});

Deno.test("parseRepositoryName() agrees with the expression on all texts of up to six characters", () => {
  const letters = "a0._-/";
  let texts = [""];
  for (let length = 1; length <= 6; length++) {
    texts = texts.flatMap((text) => [...letters].map((letter) => text + letter));
    for (const text of texts) assert.equal(isRepositoryName(text), GRAMMAR.test(text), text);
  }
});
