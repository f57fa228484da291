/** Certificates that must not get in, shown to the running registry in real handshakes. */
import assert from "node:assert/strict";
import {
  type CertificateRecipe,
  DAY_MS,
  type MadeCertificate,
  makeAuthority,
  makeCertificate,
  makeClient,
} from "../auth/certificate_factory.ts";
import { withImpossibleDate } from "../auth/impossible_date.ts";
import type { NameRecipe } from "../auth/name_recipe.ts";
import { describeMissing, testWith } from "../harness/real_clients.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { ADMIN_ONLY } from "./access_rules.ts";
import {
  assertNothingDone,
  expectRefusal,
  fingerprintOf,
  logEntries,
  waitForLogEntry,
} from "./expect_refusal.ts";
import { OPENSSL, showing, type Shown } from "./openssl_client.ts";

const test = testWith(OPENSSL);
const root = makeAuthority({ subject: "Client Root" });
const middle = makeAuthority({ subject: "Client Middle", issuer: root });
const admin = makeClient(root, { subject: "admin" });
const LONG_AGO = new Date(Date.now() - 90 * DAY_MS);
const YESTERDAY = new Date(Date.now() - DAY_MS);
const TOMORROW = new Date(Date.now() + DAY_MS);
/** Lets OpenSSL show what it holds for too weak. */
const WEAK = ["-cipher", "DEFAULT:@SECLEVEL=0"];

let registry: RunningRegistry;
if (describeMissing(OPENSSL) === undefined) {
  Deno.test.beforeAll(async () => {
    registry = await startRegistry({
      clientAuth: { caBundle: root.pem + makeAuthority().pem },
      config: ADMIN_ONLY,
    });
  });
  Deno.test.afterAll(() => registry[Symbol.asyncDispose]());
}

function leaf(recipe: CertificateRecipe): () => Shown {
  return () => showing(makeClient(root, { subject: "admin", ...recipe }));
}

function named(subject: NameRecipe): () => Shown {
  return leaf({ subject });
}

/** A leaf of an intermediate that is what the recipe says. */
function below(recipe: CertificateRecipe, client: CertificateRecipe = {}): () => Shown {
  return () => {
    const intermediate = makeAuthority({ subject: "Client Middle", issuer: root, ...recipe });
    return showing(makeClient(intermediate, { subject: "admin", ...client }), intermediate);
  };
}

const REFUSED: readonly [title: string, shows: () => Shown, reason: RegExp][] = [
  ["expired", leaf({ notBefore: LONG_AGO, notAfter: YESTERDAY }), /expired on \d{4}-\d\d-\d\d/],
  ["not yet valid", leaf({ notBefore: TOMORROW }), /not valid before \d{4}-\d\d-\d\d/],
  ["for servers only", leaf({ purposes: ["serverAuth"] }), /not for client authentication/],
  ["without digitalSignature in its key usage", leaf({ keyUsage: [2] }), /lacks digitalSignature/],
  ["a CA (CA:TRUE)", leaf({ basicConstraints: { authority: true } }), /certificate of a CA/],
  ["of version 1", leaf({ version: 1 }), /X\.509 version 1/],
  ["signed with SHA-1", leaf({ signatureHash: "SHA-1" }), /SHA-1/],
  ["self-signed", () => showing(makeCertificate({ subject: "admin" })), /it is self-signed/],
  [
    "self-signed, with the name of our CA",
    () => showing(makeCertificate({ subject: "Client Root" })),
    /not signed with the key of its issuer/,
  ],
  ["of a foreign CA", () => showing(makeClient(makeAuthority({ subject: "Foreign" }))), /unknown issuer/],
  [
    "of a foreign CA that is sent along",
    () => {
      const foreign = makeAuthority({ subject: "Foreign" });
      return showing(makeClient(foreign, { subject: "admin" }), foreign);
    },
    /root CA "CN=Foreign" is not in client_ca_bundle/,
  ],
  [
    "of a foreign CA, with our own root sent along",
    () => showing(makeClient(makeAuthority({ subject: "Foreign" }), { subject: "admin" }), root),
    /unknown issuer/,
  ],
  [
    "of an intermediate that is not sent",
    () => showing(makeClient(middle, { subject: "admin" })),
    /"CN=Client Middle"/,
  ],
  ["itself in client_ca_bundle", () => showing(root), /it is itself in client_ca_bundle/],
  ["of another client", () => showing(makeClient(admin, { subject: "admin" }), admin), /not a CA/],
  ["of an intermediate that is no CA", below({ basicConstraints: { authority: false } }), /not a CA/],
  [
    "of an intermediate that is expired",
    below({ notBefore: LONG_AGO, notAfter: YESTERDAY }),
    /CA "CN=Client Middle" expired on/,
  ],
  [
    "of an intermediate that is for servers only",
    below({ purposes: ["serverAuth"] }),
    /CA "CN=Client Middle" is not for client authentication/,
  ],
  ["of an intermediate of version 1", below({ version: 1 }), /X\.509 version 1/],
  [
    "outside the DNS names that its CA may give",
    below({ permitted: [{ dns: "example.org" }] }, { alternativeNames: [{ dns: "evil.example.com" }] }),
    /name/,
  ],
  ["with a newline in its common name", named("bob\nCN=admin"), /control or format character U\+000A/],
  ["with NUL in its common name", named("admin\0.example"), /U\+0000/],
  ["with a right-to-left mark in its common name", named("admin\u200f"), /U\+200F/],
  ["with a blank behind its common name", named("admin "), /starts or ends with a blank/],
  ["with a newline in its organization", named([["O", "Infrastructure\nCN=admin"]]), /U\+000A/],
  ["with two common names", named([["CN", "bob"], ["CN", "admin"]]), /2 common names/],
  ["with a multi-valued name", named([[["O", "ops"], ["CN", "admin"]]]), /multi-valued/],
  ["with a BMPString", named([["CN", "admin", "BMPString"]]), /BMPString/],
  ["with a T61String", named([["CN", "admin", "T61String"]]), /T61String/],
  ["with a UniversalString", named([["CN", "admin", "UniversalString"]]), /UniversalString/],
  ["without any name", named([]), /subject is empty/],
  [
    "among more certificates than anybody needs",
    () => showing(admin, ...Array.from({ length: 20 }, (_, i) => makeAuthority({ subject: `CA ${i}` }))),
    /21 certificates were sent/,
  ],
];

for (const [title, shows, reason] of REFUSED) {
  test(`a certificate is refused in words, and the log says whose it was: ${title}`, async () => {
    const shown = shows();
    const own = shown.certificates[0] as MadeCertificate;
    await expectRefusal(registry, { shows: shown, args: WEAK }, reason);
    const fingerprint = fingerprintOf(own);
    const ofOwn = () => logEntries(registry).filter((entry) => entry.fingerprint === fingerprint);
    // One line for each of the two connections.
    await waitForLogEntry(registry, "two lines", () => ofOwn().length >= 2 ? true : undefined);
    assert.equal(ofOwn().length, 2);
    for (const line of ofOwn()) {
      assert.equal(line.message, "client certificate refused");
      assert.equal(line.level, "warn");
      assert.match(line.reason ?? "", reason);
      assert.equal(line.serial, own.serial.toHex());
      assert.equal(typeof line.subject, "string");
      assert.match(line.issuer ?? "", /^CN=/);
      assert.equal(line.client_ip, "127.0.0.1");
    }
  });
}

test("a certificate that the runtime cannot read is refused in words, and makes nobody of its client", async () => {
  for (const version of ["tls1_2", "tls1_3"] as const) {
    const shows = showing(withImpossibleDate(admin));
    await expectRefusal(registry, { version, shows }, /refused: cannot be read: the TLS library finds in it/);
  }
});

test("none of the refused certificates did anything", () => assertNothingDone(registry));
