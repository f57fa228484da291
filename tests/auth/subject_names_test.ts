/** Holds which names of a client certificate are read, and that ambiguous ones are refused. */
import assert from "node:assert/strict";
import { der } from "../harness/der.ts";
import { type CertificateRecipe, makeAuthority, makeClient } from "./certificate_factory.ts";
import { expectFacts, expectRefused, trustIn } from "./expect_verdict.ts";
import type { AlternativeName, NameRecipe } from "./name_recipe.ts";

const root = makeAuthority({ subject: [["O", "Example"], ["CN", "Root"]] });
const trust = await trustIn([root]);

Deno.test("verify() tells every fact of a certificate, lists in their order", async () => {
  const notAfter = new Date(Math.floor(Date.now() / 1000) * 1000 + 3_600_000);
  const leaf = makeClient(root, {
    subject: [["C", "DE", "PrintableString"], ["O", "Infrastructure"], ["O", "Second"], ["OU", "a"], [
      "OU",
      "b",
    ], [
      "CN",
      "alice",
      "PrintableString",
    ]],
    alternativeNames: [
      { dns: "build.example.com" },
      { email: "alice@example.com" },
      { ip: Uint8Array.of(127, 0, 0, 1) },
      { uri: "spiffe://example.com/build" },
      { dns: "*.example.com" },
      { directory: "someone else" },
      { raw: der(0xa0, Uint8Array.of(6, 1, 42), der(0xa0, der(0x0c))) },
    ],
    serial: Uint8Array.of(0x0a, 0xbc),
    notAfter,
  });
  const { fingerprint, ...facts } = await expectFacts(trust, [leaf]);
  assert.deepEqual(facts, {
    commonNames: ["alice"],
    organizations: ["Infrastructure", "Second"],
    organizationalUnits: ["a", "b"],
    dnsNames: ["build.example.com", "*.example.com"],
    emails: ["alice@example.com"],
    uris: ["spiffe://example.com/build"],
    serial: "abc",
    issuerCommonNames: ["Root"],
    notAfter: notAfter.getTime(),
  });
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(leaf.der)));
  assert.equal(fingerprint, digest.toHex());
});

const LITERAL_NAMES = [
  "alice, bob",
  "CN=admin",
  'a+b=c/CN=d;e<f>"g\\h#',
  "Jörg Müller",
  "管理者",
  "constructor",
  "__proto__",
  "x".repeat(256),
  "a  b",
];

for (const name of LITERAL_NAMES) {
  Deno.test(`verify() reads the common name ${JSON.stringify(name.slice(0, 20))} as it is`, async () => {
    assert.deepEqual((await expectFacts(trust, [makeClient(root, { subject: name })])).commonNames, [name]);
  });
}

const AMBIGUOUS: [title: string, subject: NameRecipe, text: RegExp][] = [
  ["a newline in CN", "bob\nCN=admin", /U\+000A/],
  [
    "a newline in O",
    [["O", "Infrastructure\nCN=admin"], ["CN", "bob"]],
    /the O of the subject holds .*U\+000A/,
  ],
  ["NUL in CN", "admin\0.example.com", /U\+0000/],
  ["DEL in CN", "admin\x7f", /U\+007F/],
  ["a C1 control in CN", "admin\x85", /U\+0085/],
  ["a right-to-left override in CN", "nimda\u202e", /U\+202E/],
  ["a right-to-left mark in CN", "admin\u200f", /U\+200F/],
  ["a zero width space in CN", "ad\u200bmin", /U\+200B/],
  ["a soft hyphen in CN", "ad\u00admin", /U\+00AD/],
  ["a byte order mark in CN", "\ufeffadmin", /U\+FEFF/],
  ["a Hangul filler in CN", "admin\u3164", /U\+3164/],
  ["a variation selector in CN", "admin\ufe0f", /U\+FE0F/],
  ["a tag character in CN", "admin\u{e0041}", /U\+E0041/],
  ["a line separator in CN", "a\u2028b", /U\+2028/],
  ["a paragraph separator in CN", "a\u2029b", /U\+2029/],
  ["a no-break space in CN", "a\u00a0b", /U\+00A0/],
  ["a leading blank in CN", " admin", /starts or ends with a blank/],
  ["a trailing blank in O", [["O", "ops "], ["CN", "bob"]], /the O of the subject starts or ends/],
  ["an empty CN", "", /CN of the subject is empty/],
  ["a CN of 257 characters", "x".repeat(257), /longer than 256/],
  ["two CNs", [["CN", "alice"], ["CN", "admin"]], /2 common names/],
  ["the same CN twice", [["CN", "alice"], ["CN", "alice"]], /2 common names/],
  ["a multi-valued name", [[["O", "ops"], ["CN", "admin"]]], /joins O\+CN/],
  ["two CNs in a multi-valued name", [[["CN", "alice"], ["CN", "admin"]]], /joins CN\+CN/],
  ["a BMPString", [["CN", "admin", "BMPString"]], /CN of the subject is a BMPString/],
  ["a T61String", [["CN", "admin", "T61String"]], /T61String/],
  ["a UniversalString", [["CN", "admin", "UniversalString"]], /UniversalString/],
  ["a VisibleString", [["CN", "admin", "VisibleString"]], /VisibleString/],
  ["a BMPString in O", [["O", "ops", "BMPString"], ["CN", "admin"]], /O of the subject is a BMPString/],
  ["invalid UTF-8", [["CN", Uint8Array.of(0x61, 0xff)]], /not valid UTF-8/],
  ["overlong UTF-8", [["CN", Uint8Array.of(0xc0, 0x80)]], /not valid UTF-8/],
  ["an encoded surrogate", [["CN", Uint8Array.of(0xed, 0xa0, 0x80)]], /not valid UTF-8/],
  ["a PrintableString beyond ASCII", [["CN", Uint8Array.of(0xe9), "PrintableString"]], /not ASCII/],
  ["a newline in an attribute that nobody compares", [["L", "a\nb"], ["CN", "bob"]], /the L of the subject/],
  ["65 attributes", Array.from({ length: 65 }, (_, i) => ["OU", `${i}`] as const), /more than 64/],
];

for (const [title, subject, text] of AMBIGUOUS) {
  Deno.test(`verify() refuses ${title}`, async () => {
    await expectRefused(trust, [makeClient(root, { subject })], "ambiguous_name", text);
  });
}

const ODD_ALTERNATIVES: [title: string, name: AlternativeName, text: RegExp][] = [
  ["a newline", { dns: "a\nb" }, /\(dns\) holds/],
  ["NUL", { email: "admin@example.com\0.evil" }, /\(email\) holds/],
  ["a blank", { uri: "spiffe://a/b c" }, /\(uri\) holds/],
  ["nothing", { dns: "" }, /\(dns\) is empty/],
];

for (const [title, name, text] of ODD_ALTERNATIVES) {
  Deno.test(`verify() refuses ${title} in a subject alternative name`, async () => {
    await expectRefused(trust, [makeClient(root, { alternativeNames: [name] })], "ambiguous_name", text);
  });
}

Deno.test("verify() refuses an alternative name beyond ASCII, and one too long", async () => {
  await expectRefused(
    trust,
    [makeClient(root, { alternativeNames: [{ dns: "ä.example" }] })],
    "malformed",
    /ASCII/,
  );
  const long = { uri: `spiffe://a/${"b".repeat(2048)}` };
  await expectRefused(
    trust,
    [makeClient(root, { alternativeNames: [long] })],
    "malformed",
    /longer than 2048/,
  );
});

Deno.test("verify() accepts an empty subject only with an alternative name", async () => {
  const client = (recipe: CertificateRecipe) => [makeClient(root, { subject: [], ...recipe })];
  const facts = await expectFacts(trust, client({ alternativeNames: [{ uri: "spiffe://a/b" }] }));
  assert.deepEqual([facts.commonNames, facts.uris], [[], ["spiffe://a/b"]]);
  await expectRefused(trust, client({}), "ambiguous_name", /subject is empty/);
  const address = { ip: Uint8Array.of(127, 0, 0, 1) };
  await expectRefused(trust, client({ alternativeNames: [address] }), "ambiguous_name", /subject is empty/);
});

Deno.test("verify() takes the CNs of an issuer as they are, and refuses those that it cannot read", async () => {
  const two = makeAuthority({ subject: [["O", "Old", "T61String"], ["CN", "one"], ["CN", "two"]] });
  const odd = makeAuthority({ subject: [["CN", "odd", "BMPString"]] });
  const both = await trustIn([two, odd]);
  assert.deepEqual((await expectFacts(both, [makeClient(two)])).issuerCommonNames, ["one", "two"]);
  await expectRefused(both, [makeClient(odd)], "ambiguous_name", /CN of the issuer is a BMPString/);
});
