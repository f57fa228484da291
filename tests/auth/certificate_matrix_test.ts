/** Holds what a client certificate, and each CA above it, must be to be accepted. */
import assert from "node:assert/strict";
import { der, derInteger, derObjectIdentifier, derSequence } from "../harness/der.ts";
import type { RefusalCode } from "../../src/auth/certificate_verdict.ts";
import {
  type CertificateRecipe,
  DAY_MS,
  makeAuthority,
  makeCertificate,
  makeClient,
} from "./certificate_factory.ts";
import { expectAccepted, expectRefused, trustIn } from "./expect_verdict.ts";
import {
  type KeyKind,
  type KeyPair,
  makeKeyPair,
  signatureAlgorithm,
  type SignatureHash,
} from "./key_factory.ts";

const YESTERDAY = new Date(Date.now() - DAY_MS);
const LONG_AGO = new Date(Date.now() - 90 * DAY_MS);
const TOMORROW = new Date(Date.now() + DAY_MS);
const NULL = Uint8Array.of(5, 0);

const root = makeAuthority({ subject: "Root" });
const middle = makeAuthority({ subject: "Middle", issuer: root });

const GOOD_LEAVES: [title: string, recipe: CertificateRecipe][] = [
  ["the usual leaf", {}],
  ["a leaf for any purpose", { purposes: ["any"] }],
  ["a leaf for servers and clients", { purposes: ["serverAuth", "clientAuth"] }],
  ["a leaf without keyUsage", { keyUsage: "none" }],
  ["a leaf without basicConstraints", { basicConstraints: "none" }],
  ["a leaf with an extension that is not critical and not known", {
    extensions: [{ identifier: "1.2.3.4", value: NULL }],
  }],
  ["a leaf with serial number 0", { serial: Uint8Array.of(0) }],
  ["a leaf whose issuer is told by name too", { identifyIssuerByName: true }],
];

for (const [title, recipe] of GOOD_LEAVES) {
  Deno.test(`verify() accepts ${title}, from a root and from an intermediate`, async () => {
    const trust = await trustIn([root]);
    const leaf = makeClient(middle, recipe);
    await expectAccepted(trust, [makeClient(root, recipe)]);
    await expectAccepted(trust, [leaf, middle]);
    await expectAccepted(trust, [leaf, middle, root]);
  });
}

Deno.test("verify() accepts a leaf without extendedKeyUsage", async () => {
  await expectAccepted(await trustIn([root]), [makeCertificate({ issuer: root, keyUsage: [0] })]);
});

const BAD_LEAVES: [title: string, recipe: CertificateRecipe, code: RefusalCode, text: RegExp][] = [
  [
    "that is expired",
    { notBefore: LONG_AGO, notAfter: YESTERDAY },
    "expired",
    /: expired on \d{4}-\d\d-\d\d/,
  ],
  ["that is not yet valid", { notBefore: TOMORROW }, "not_yet_valid", /: not valid before \d{4}-\d\d-\d\d/],
  ["for servers only", { purposes: ["serverAuth"] }, "wrong_purpose", /lacks clientAuth/],
  ["without digitalSignature", { keyUsage: [2] }, "wrong_purpose", /lacks digitalSignature/],
  ["that is a CA", { basicConstraints: { authority: true } }, "not_a_leaf", /CA:TRUE/],
  ["of version 1", { version: 1 }, "version", /version 1/],
  ["of version 2", { version: 2 }, "version", /version 2/],
  [
    "with an unknown critical extension",
    { extensions: [{ identifier: "1.2.3.4", critical: true, value: NULL }] },
    "unsupported",
    /critical extension 1\.2\.3\.4/,
  ],
  [
    "with the same extension twice",
    { extensions: [1, 2].map(() => ({ identifier: "1.2.3.4", value: NULL })) },
    "malformed",
    /twice/,
  ],
  ["with an RSA key of 1024 bits", { key: "RSA-1024" }, "unsupported", /1024 bits/],
  ["with a key on secp256k1", { key: "secp256k1" }, "unsupported", /elliptic curve/],
  ["with an Ed448 key", { key: "Ed448" }, "unsupported", /kind of key/],
  ["signed with SHA-1", { signatureHash: "SHA-1" }, "unsupported", /SHA-1, which is not safe/],
];

for (const [title, recipe, code, text] of BAD_LEAVES) {
  Deno.test(`verify() refuses a leaf ${title}`, async () => {
    const trust = await trustIn([root]);
    await expectRefused(trust, [makeClient(root, recipe)], code, text);
    await expectRefused(trust, [makeClient(middle, recipe), middle], code, text);
  });
}

const BAD_INTERMEDIATES: [title: string, recipe: CertificateRecipe, code: RefusalCode, text: RegExp][] = [
  [
    "that is expired",
    { notBefore: LONG_AGO, notAfter: YESTERDAY },
    "expired",
    /CA "CN=Middle" expired on/,
  ],
  ["that is not yet valid", { notBefore: TOMORROW }, "not_yet_valid", /CA "CN=Middle" not valid before/],
  [
    "that is no CA",
    { basicConstraints: { authority: false } },
    "invalid_path",
    /not a CA \(basicConstraints/,
  ],
  [
    "without basicConstraints",
    { basicConstraints: "none" },
    "invalid_path",
    /not a CA \(no basicConstraints/,
  ],
  ["without keyCertSign", { keyUsage: [0, 6] }, "invalid_path", /lacks keyCertSign/],
  ["for servers only", { purposes: ["serverAuth"] }, "wrong_purpose", /CA "CN=Middle" is not for client/],
  ["of version 1", { version: 1 }, "version", /version 1/],
  ["signed with SHA-1", { signatureHash: "SHA-1" }, "unsupported", /SHA-1/],
  [
    "with an unknown critical extension",
    { extensions: [{ identifier: "1.2.3.4", critical: true, value: NULL }] },
    "unsupported",
    /critical extension 1\.2\.3\.4/,
  ],
  [
    "that demands a certificate policy",
    { extensions: [{ identifier: "2.5.29.36", critical: true, value: Uint8Array.of(0x30, 3, 0x80, 1, 0) }] },
    "unsupported",
    /2\.5\.29\.36/,
  ],
  ["with a weak key", { key: "RSA-1024" }, "unsupported", /1024 bits/],
];

for (const [title, recipe, code, text] of BAD_INTERMEDIATES) {
  Deno.test(`verify() refuses a leaf of an intermediate ${title}`, async () => {
    const intermediate = makeAuthority({ subject: "Middle", issuer: root, ...recipe });
    await expectRefused(await trustIn([root]), [makeClient(intermediate), intermediate], code, text);
  });
}

Deno.test("verify() accepts an intermediate that is limited to clients, or has no keyUsage", async () => {
  const trust = await trustIn([root]);
  for (const recipe of [{ purposes: ["clientAuth"] }, { purposes: ["any"] }, { keyUsage: "none" as const }]) {
    const intermediate = makeAuthority({ subject: "Middle", issuer: root, ...recipe });
    await expectAccepted(trust, [makeClient(intermediate), intermediate]);
  }
});

Deno.test("verify() holds the path length of each CA", async () => {
  const limited = (pathLength: number) => ({ basicConstraints: { authority: true, pathLength } });
  const none = makeAuthority({ subject: "None below", ...limited(0) });
  const one = makeAuthority({ subject: "One below", ...limited(1) });
  const trust = await trustIn([none, one, root]);
  await expectAccepted(trust, [makeClient(none)]);
  const belowNone = makeAuthority({ subject: "Below none", issuer: none });
  await expectRefused(trust, [makeClient(belowNone), belowNone], "invalid_path", /pathLenConstraint/);
  const belowOne = makeAuthority({ subject: "Below one", issuer: one });
  await expectAccepted(trust, [makeClient(belowOne), belowOne]);
  const twoBelow = makeAuthority({ subject: "Two below", issuer: belowOne });
  await expectRefused(trust, [makeClient(twoBelow), twoBelow, belowOne], "invalid_path", /pathLenConstraint/);
  const last = makeAuthority({ subject: "Last", issuer: root, ...limited(0) });
  await expectAccepted(trust, [makeClient(last), last]);
  const tooMany = makeAuthority({ subject: "Too many", issuer: last });
  await expectRefused(trust, [makeClient(tooMany), tooMany, last], "invalid_path", /pathLenConstraint/);
});

Deno.test("verify() does not count a CA that only has a new key", async () => {
  const old = makeAuthority({ subject: "CA", basicConstraints: { authority: true, pathLength: 1 } });
  const renewed = makeAuthority({ subject: "CA", issuer: old });
  const lower = makeAuthority({ subject: "Lower", issuer: renewed });
  await expectAccepted(await trustIn([old]), [makeClient(lower), lower, renewed]);
});

Deno.test("verify() refuses a leaf whose root has expired since the start", async () => {
  const shortLived = makeAuthority({ subject: "Short", notAfter: new Date(Date.now() + DAY_MS) });
  const trust = await trustIn([shortLived]);
  const verdict = await expectAccepted(trust, [makeClient(shortLived)]);
  assert.ok(verdict.validUntil <= Date.now() + DAY_MS);
  await expectRefused(
    trust,
    [makeClient(shortLived)],
    "expired",
    /CA "CN=Short" expired/,
    Date.now() + 2 * DAY_MS,
  );
});

Deno.test("verify() holds until the first certificate of the path ends, and to the millisecond", async () => {
  const trust = await trustIn([root]);
  const soon = new Date(Math.floor(Date.now() / 1000) * 1000 + DAY_MS);
  const intermediate = makeAuthority({ subject: "Middle", issuer: root, notAfter: soon });
  const chain = [makeClient(intermediate), intermediate];
  const { validUntil } = await expectAccepted(trust, chain);
  assert.equal(validUntil, soon.getTime());
  await expectAccepted(trust, chain, validUntil);
  await expectRefused(trust, chain, "expired", /Middle/, validUntil + 1);
});

const WAYS_TO_SIGN: [KeyKind, SignatureHash][] = [
  ["P-256", "SHA-256"],
  ["P-256", "SHA-384"],
  ["P-256", "SHA-512"],
  ["P-384", "SHA-256"],
  ["P-384", "SHA-384"],
  ["P-521", "SHA-512"],
  ["Ed25519", "SHA-256"],
  ["RSA-2048", "SHA-256"],
  ["RSA-2048", "SHA-384"],
  ["RSA-2048", "SHA-512"],
  ["RSA-2048", "PSS-SHA-256"],
  ["RSA-3072", "SHA-256"],
];

const keys = new Map<KeyKind, KeyPair>();
function keyOf(kind: KeyKind): KeyPair {
  const key = keys.get(kind) ?? makeKeyPair(kind);
  keys.set(kind, key);
  return key;
}

for (const [kind, signatureHash] of WAYS_TO_SIGN) {
  Deno.test(`verify() checks signatures of ${kind} keys with ${signatureHash}`, async () => {
    const authority = makeAuthority({ subject: "CA", key: keyOf(kind), signatureHash });
    const trust = await trustIn([authority]);
    await expectAccepted(trust, [makeClient(authority, { signatureHash })]);
    const impostor = makeAuthority({ subject: "CA", key: kind, signatureHash });
    await expectRefused(trust, [makeClient(impostor, { signatureHash })], "bad_signature", /another CA/);
  });
}

Deno.test("verify() accepts a leaf key of each kind, whatever the kind of its CA", async () => {
  const trust = await trustIn([root]);
  for (const kind of ["P-256", "P-384", "P-521", "Ed25519", "RSA-2048"] as const) {
    await expectAccepted(trust, [makeClient(root, { key: keyOf(kind) })]);
  }
});

Deno.test("verify() refuses a signature that is called by another algorithm than it is made with", async () => {
  const rsa = makeAuthority({ subject: "RSA", key: keyOf("RSA-2048") });
  const curve = makeAuthority({ subject: "EC" });
  const trust = await trustIn([rsa, curve]);
  const asEcdsa = signatureAlgorithm(curve.key, "SHA-256");
  const asRsa = signatureAlgorithm(rsa.key, "SHA-256");
  const asPss = signatureAlgorithm(rsa.key, "PSS-SHA-256");
  await expectRefused(trust, [makeClient(rsa, { claimedAlgorithm: asEcdsa })], "bad_signature", /not signed/);
  await expectRefused(trust, [makeClient(rsa, { claimedAlgorithm: asPss })], "bad_signature", /not signed/);
  await expectRefused(trust, [makeClient(curve, { claimedAlgorithm: asRsa })], "bad_signature", /not signed/);
  const inner = { innerAlgorithm: signatureAlgorithm(curve.key, "SHA-384") };
  await expectRefused(trust, [makeClient(curve, inner)], "malformed", /two signature algorithms/);
});

Deno.test("verify() refuses RSASSA-PSS with SHA-1 or with two hashes", async () => {
  const rsa = makeAuthority({ subject: "RSA", key: keyOf("RSA-2048") });
  const trust = await trustIn([rsa]);
  const hash = (identifier: string) => derSequence(derObjectIdentifier(identifier), der(0x05));
  const [sha256, sha384] = [hash("2.16.840.1.101.3.4.2.1"), hash("2.16.840.1.101.3.4.2.2")];
  const mask = derSequence(derObjectIdentifier("1.2.840.113549.1.1.8"), sha384);
  const pss = derObjectIdentifier("1.2.840.113549.1.1.10");
  const salt = der(0xa2, derInteger(Uint8Array.of(32)));
  for (
    const claimedAlgorithm of [
      derSequence(pss),
      derSequence(pss, derSequence()),
      derSequence(pss, derSequence(der(0xa0, hash("1.3.14.3.2.26")))),
      derSequence(pss, derSequence(der(0xa0, sha256), salt)),
      derSequence(pss, derSequence(der(0xa0, sha256), der(0xa1, mask), salt)),
    ]
  ) {
    const leaf = makeClient(rsa, { signatureHash: "PSS-SHA-256", claimedAlgorithm });
    await expectRefused(trust, [leaf], "unsupported", /RSASSA-PSS in a form that is not supported/);
  }
});
