/** Certificates that must get in, with exactly the names that they hold. */
import assert from "node:assert/strict";
import {
  type CertificateRecipe,
  type MadeCertificate,
  makeAuthority,
  makeCertificate,
  makeClient,
} from "../auth/certificate_factory.ts";
import type { KeyKind } from "../auth/key_factory.ts";
import { describeMissing, testWith } from "../harness/real_clients.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { ADMIN_ONLY } from "./access_rules.ts";
import { fingerprintOf, waitForLogEntry } from "./expect_refusal.ts";
import { exchange, OPENSSL, requestText, showing, type Shown } from "./openssl_client.ts";

const test = testWith(OPENSSL);
const root = makeAuthority({ subject: "Client Root" });
const middle = makeAuthority({ subject: "Client Middle", issuer: root });
const admin = makeClient(root, { subject: "admin" });
const LAST_WRITE = requestText("POST", "/v2/app/blobs/uploads/", ["Connection: close"]);

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

/** The certificate of the audit line that a write leaves. */
async function expectServed(shows: Shown): Promise<Record<string, unknown>> {
  const { answer } = await exchange(registry, LAST_WRITE, { shows });
  assert.equal(answer?.status, 202, answer?.body);
  return await auditedCertificate(shows);
}

async function auditedCertificate({ certificates }: Shown): Promise<Record<string, unknown>> {
  const fingerprint = fingerprintOf(certificates[0] as MadeCertificate);
  return await waitForLogEntry(registry, "the audit line", (entry) => {
    const certificate = entry.certificate as Record<string, unknown> | undefined;
    return entry.message === "audit" && certificate?.fingerprint === fingerprint ? certificate : undefined;
  });
}

function leaf(recipe: CertificateRecipe): Shown {
  return showing(makeClient(root, { subject: "admin", ...recipe }));
}

const KEYS: KeyKind[] = ["P-256", "P-384", "Ed25519", "RSA-2048"];
for (const key of KEYS) {
  test(`a certificate with a key ${key} is accepted, of a root and of an intermediate`, async () => {
    await expectServed(showing(makeClient(root, { subject: "admin", key })));
    await expectServed(showing(makeClient(middle, { subject: "admin", key }), middle));
  });
}

const ACCEPTED: readonly [title: string, shows: () => Shown, facts: Record<string, unknown>][] = [
  ["without extended key usage", () => showing(makeCertificate({ subject: "admin", issuer: root })), {}],
  ["for any purpose", () => leaf({ purposes: ["any"] }), {}],
  ["with its root sent along", () => showing(admin, root), {}],
  [
    "with two organizations, which are a list",
    () => leaf({ subject: [["O", "one"], ["O", "two"], ["CN", "admin"]] }),
    { organizations: ["one", "two"] },
  ],
  [
    "with only a common name, below a CA that is limited to DNS names",
    () => {
      const limited = makeAuthority({
        subject: "Limited",
        issuer: root,
        permitted: [{ dns: "example.org" }],
      });
      return showing(makeClient(limited, { subject: "admin" }), limited);
    },
    { common_names: ["admin"] },
  ],
];

for (const [title, shows, facts] of ACCEPTED) {
  test(`a certificate is accepted ${title}`, async () => {
    const certificate = await expectServed(shows());
    for (const [name, value] of Object.entries(facts)) assert.deepEqual(certificate[name], value);
  });
}

const MERELY_SIMILAR: readonly [title: string, commonName: string][] = [
  ["with a comma and a second name", "bob,CN=admin"],
  ["with other attributes in it, as text", "O=Infrastructure + CN=admin"],
  ["with a letter of another alphabet", "\u0430dmin"],
  ["in capitals", "ADMIN"],
];

for (const [title, commonName] of MERELY_SIMILAR) {
  test(`a common name ${title} is that name and no other`, async () => {
    const shows = leaf({ subject: commonName });
    const { answer } = await exchange(registry, LAST_WRITE, { shows });
    assert.equal(answer?.status, 403);
    assert.match(answer.body, /Access denied: no rule of the global access policy allows/);
    assert.deepEqual((await auditedCertificate(shows)).common_names, [commonName]);
  });
}
