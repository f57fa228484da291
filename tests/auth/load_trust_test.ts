/** Holds that a CA bundle with anything wrong in it stops the start with a sentence about each fault. */
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { loadTrust, TrustError, type TrustSettings } from "../../src/auth/load_trust.ts";
import { type CertificateRecipe, DAY_MS, makeAuthority, makeClient, toPem } from "./certificate_factory.ts";
import { expectAccepted, expectRefused, trustIn } from "./expect_verdict.ts";

const root = makeAuthority({ subject: "Root" });
const YESTERDAY = new Date(Date.now() - DAY_MS / 2);

function load(caBundle: string, settings: Partial<TrustSettings> = {}) {
  return loadTrust({ caBundle, crlMissing: "deny", crlExpired: "deny", ...settings }, new Date());
}

async function problemsOf(caBundle: string): Promise<readonly string[]> {
  try {
    await load(caBundle);
  } catch (fault) {
    assert.ok(fault instanceof TrustError);
    for (const problem of fault.problems) assert.match(problem, /^client_ca_bundle: [\x20-\x7e]+$/);
    return fault.problems;
  }
  return assert.fail("the bundle was accepted");
}

Deno.test("loadTrust() takes a bundle with comments, Windows line ends and the same CA twice", async () => {
  const text = `# our CA\nsubject=CN = Root\n${root.pem}\n${root.pem}`.replaceAll("\n", "\r\n");
  const { trust, warnings } = await load(text);
  assert.deepEqual(warnings, []);
  await expectAccepted(trust, [makeClient(root)]);
});

const UNUSABLE: [title: string, recipe: CertificateRecipe, text: RegExp][] = [
  ["of version 1", { version: 1 }, /certificate "CN=X" is an X.509 version 1 certificate/],
  [
    "without CA:TRUE",
    { basicConstraints: { authority: false } },
    /is not a CA \(basicConstraints CA:FALSE\)/,
  ],
  ["without basicConstraints", { basicConstraints: "none" }, /is not a CA \(no basicConstraints\)/],
  ["without keyCertSign", { keyUsage: [0] }, /keyUsage lacks keyCertSign/],
  ["for servers only", { purposes: ["serverAuth"] }, /not for client authentication/],
  ["with a weak key", { key: "RSA-1024" }, /RSA key of 1024 bits/],
  [
    "with a key that cannot be used",
    { key: "Ed448" },
    /kind of key that is not supported \(1\.3\.101\.113\)/,
  ],
  ["with an unknown critical extension", {
    extensions: [{ identifier: "1.2.3.4", critical: true, value: Uint8Array.of(5, 0) }],
  }, /critical extension 1\.2\.3\.4/],
];

for (const [title, recipe, text] of UNUSABLE) {
  Deno.test(`loadTrust() refuses a certificate ${title}, also beside a good one`, async () => {
    const unusable = makeAuthority({ subject: "X", ...recipe });
    const [problem = "", ...others] = await problemsOf(root.pem + unusable.pem);
    assert.match(problem, text);
    assert.match(problem, /that starts in line \d+ /);
    assert.deepEqual(others, []);
  });
}

Deno.test("loadTrust() refuses the certificate of a client", async () => {
  assert.match((await problemsOf(makeClient(root).pem))[0] ?? "", /"CN=alice" is not a CA/);
});

const DAMAGED: [title: string, bundle: string, text: RegExp][] = [
  ["an empty text", "", /holds no PEM block CERTIFICATE/],
  ["a text without a block", "hello\n", /holds no PEM block/],
  ["DER", Buffer.from(root.der).toString("latin1"), /holds no PEM block/],
  ["a private key", root.pem + root.keyPem, /is a PRIVATE KEY/],
  ["a trusted certificate", root.pem.replaceAll("CERTIFICATE", "TRUSTED CERTIFICATE"), /TRUSTED CERTIFICATE/],
  ["a block that does not end", root.pem.slice(0, -30), /starts in line 1 does not end/],
  ["a block within a block", root.pem.slice(0, 200) + "\n" + root.pem, /starts in line 1 does not end/],
  ["an end without a start", root.pem + "-----END CERTIFICATE-----\n", /does not start/],
  ["a damaged boundary", root.pem + "-----BEGIN CERTIFICATE----\n", /damaged PEM boundary/],
  ["text that is not base64", root.pem.replace("MII", "M*I"), /is not base64|is not a certificate/],
  ["bytes that are no certificate", toPem("CERTIFICATE", Uint8Array.of(1, 2, 3)), /is not a certificate/],
  ["a certificate that is cut off", toPem("CERTIFICATE", root.der.slice(0, -1)), /cut off/],
  ["bytes after a certificate", toPem("CERTIFICATE", Buffer.concat([root.der, Buffer.of(0)])), /at its end/],
];

for (const [title, bundle, text] of DAMAGED) {
  Deno.test(`loadTrust() refuses ${title}`, async () => {
    assert.match((await problemsOf(bundle)).join("\n"), text);
  });
}

Deno.test("loadTrust() tells every problem at once", async () => {
  const old = makeAuthority({ subject: "Old", version: 1 });
  const problems = await problemsOf(old.pem + makeClient(root).pem + root.keyPem + "-----BEGIN X-----\n");
  assert.equal(problems.length, 4, problems.join("\n"));
});

Deno.test("loadTrust() warns of a CA that is expired or not yet valid, and refuses when all are expired", async () => {
  const expired = makeAuthority({ subject: "Old", notAfter: YESTERDAY });
  const early = makeAuthority({ subject: "Early", notBefore: new Date(Date.now() + DAY_MS) });
  const { warnings } = await load(root.pem + expired.pem + early.pem);
  assert.match(warnings.join("\n"), /"CN=Old" expired on .*\n.*"CN=Early" is not valid before/);
  assert.match((await problemsOf(expired.pem)).join("\n"), /"CN=Old" expired on/);
});

Deno.test("loadTrust() trusts an intermediate without its root", async () => {
  const middle = makeAuthority({ subject: "Middle", issuer: root });
  const trust = await trustIn([middle]);
  await expectAccepted(trust, [makeClient(middle)]);
  await expectAccepted(trust, [makeClient(middle), middle, root]);
  await expectRefused(trust, [makeClient(root), root], "unknown_issuer", /CN=Root/);
});
