/** Holds our verdicts against those of OpenSSL: what we accept, it accepts; what its commands make, we accept. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { loadTrust } from "../../src/auth/load_trust.ts";
import {
  type CertificateRecipe,
  DAY_MS,
  type ExtensionRecipe,
  makeAuthority,
  makeClient,
} from "./certificate_factory.ts";
import { expectRefused, trustIn } from "./expect_verdict.ts";
import { makeKeyPair } from "./key_factory.ts";
import type { AlternativeName } from "./name_recipe.ts";

async function openssl(directory: string, ...args: string[]): Promise<{ success: boolean; text: string }> {
  const command = new Deno.Command("openssl", { args, cwd: directory, stdout: "piped", stderr: "piped" });
  const { success, stdout, stderr } = await command.output();
  return { success, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
}

async function inDirectory(work: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await work(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const key = makeKeyPair("P-256");

/** Mostly the first value, so that a certificate of a dozen fields has a chance to be good. */
function usually<T>(good: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 15, arbitrary: fc.constant(good) }, {
    weight: 1,
    arbitrary: fc.constantFrom(...others),
  });
}

const common = {
  version: usually<1 | 3>(3, 1),
  notAfter: usually(2, -2).map((days) => new Date(Date.now() + days * DAY_MS)),
  purposes: usually(["clientAuth"], ["serverAuth", "clientAuth"], ["serverAuth"]),
  extensions: usually<ExtensionRecipe[]>([], [{
    identifier: "1.2.3.4",
    critical: true,
    value: Uint8Array.of(5, 0),
  }]),
  key: fc.constant(key),
};
const authorityRecipe: fc.Arbitrary<CertificateRecipe> = fc.record({
  ...common,
  keyUsage: usually<readonly number[] | "none">([5, 6], [5], [6], "none"),
  basicConstraints: usually<NonNullable<CertificateRecipe["basicConstraints"]>>(
    { authority: true },
    { authority: true, pathLength: 0 },
    { authority: true, pathLength: 1 },
    { authority: false },
    "none",
  ),
  permitted: fc.constantFrom([{ dns: "example.com" }], [{ dns: "com" }], [{ directory: [] }]),
  excluded: fc.constantFrom([{ dns: "a.example.com" }], [{ uri: "example.com" }]),
});
const leafRecipe: fc.Arbitrary<CertificateRecipe> = fc.record({
  ...common,
  keyUsage: usually<readonly number[] | "none">([0], [0, 2], [2], "none"),
  basicConstraints: usually<NonNullable<CertificateRecipe["basicConstraints"]>>(
    { authority: false },
    "none",
    { authority: true },
  ),
  alternativeNames: fc.constantFrom<readonly AlternativeName[]>(
    [],
    [{ dns: "b.example.com" }],
    [{ dns: "a.example.com" }],
    [{ dns: "example.org" }, { email: "a@b.test" }],
    [{ uri: "spiffe://example.com/a" }],
  ),
});

Deno.test("verify() accepts nothing that OpenSSL refuses", async () => {
  await inDirectory(async (directory) => {
    const root = makeAuthority({ subject: "Root" });
    const trust = await trustIn([root]);
    await Deno.writeTextFile(`${directory}/root.pem`, root.pem);
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(
        authorityRecipe,
        fc.option(authorityRecipe),
        leafRecipe,
        async (upper, lower, recipe) => {
          const first = makeAuthority({ ...upper, subject: "Upper", issuer: root });
          const second = lower === null
            ? first
            : makeAuthority({ ...lower, subject: "Lower", issuer: first });
          const leaf = makeClient(second, recipe);
          const sent = lower === null ? [first] : [second, first];
          const verdict = await trust.verify([leaf, ...sent].map((each) => each.der), Date.now());
          if (!verdict.accepted) return;
          accepted++;
          await Deno.writeTextFile(`${directory}/sent.pem`, sent.map((each) => each.pem).join(""));
          await Deno.writeTextFile(`${directory}/leaf.pem`, leaf.pem);
          const args = ["-CAfile", "root.pem", "-untrusted", "sent.pem", "-purpose", "sslclient", "leaf.pem"];
          const { success, text } = await openssl(directory, "verify", "-no-CApath", "-no-CAstore", ...args);
          assert.ok(success, text);
        },
      ),
      { numRuns: 400 },
    );
    assert.ok(accepted > 20, `only ${accepted} were accepted`);
  });
});

const EXTENSIONS = "basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=clientAuth\n" +
  "subjectAltName=DNS:build.example.com,email:alice@example.com\nauthorityKeyIdentifier=keyid,issuer:always\n";
const KEYS: [kind: string, arguments_: string[]][] = [
  ["rsa", ["-newkey", "rsa:2048"]],
  ["ecdsa", ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"]],
  ["ed25519", ["-newkey", "ed25519"]],
];

for (const [kind, newKey] of KEYS) {
  Deno.test(`verify() accepts what the openssl command makes with ${kind} keys`, async () => {
    await inDirectory(async (directory) => {
      const run = async (...args: string[]) => {
        const { success, text } = await openssl(directory, ...args);
        assert.ok(success, text);
      };
      await Deno.writeTextFile(`${directory}/client.ext`, EXTENSIONS);
      const subject = ["-subj", "/O=Infrastructure/OU=ci/CN=alice"];
      await run(
        "req",
        "-x509",
        ...newKey,
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-subj",
        "/CN=Our CA",
      );
      await run(
        "req",
        "-new",
        ...newKey,
        "-nodes",
        "-keyout",
        "client.key",
        "-out",
        "client.csr",
        ...subject,
      );
      const sign = [
        "x509",
        "-req",
        "-in",
        "client.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
      ];
      await run(...sign, "-extfile", "client.ext", "-out", "client.pem");
      await run("x509", "-in", "client.pem", "-outform", "DER", "-out", "client.der");
      const caBundle = await Deno.readTextFile(`${directory}/ca.pem`);
      const settings = { caBundle, crlMissing: "deny", crlExpired: "deny" } as const;
      const { trust, warnings } = await loadTrust(settings, new Date());
      assert.deepEqual(warnings, []);
      const der = await Deno.readFile(`${directory}/client.der`);
      const verdict = await trust.verify([der], Date.now());
      assert.ok(verdict.accepted, verdict.accepted ? "" : verdict.reason);
      const { commonNames, organizations, organizationalUnits, dnsNames, emails, serial } = verdict.facts;
      assert.deepEqual(
        [commonNames, organizations, organizationalUnits, dnsNames, emails],
        [["alice"], ["Infrastructure"], ["ci"], ["build.example.com"], ["alice@example.com"]],
      );
      const shown = await openssl(
        directory,
        "x509",
        "-in",
        "client.pem",
        "-noout",
        "-serial",
        "-fingerprint",
        "-sha256",
      );
      assert.match(shown.text.toLowerCase().replaceAll(":", ""), new RegExp(`serial=0*${serial}\n`));
      assert.match(
        shown.text.toLowerCase().replaceAll(":", ""),
        new RegExp(`fingerprint=${verdict.facts.fingerprint}`),
      );

      const database =
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index\ndefault_md=sha256\ndefault_crl_days=1\ncrlnumber=number\n";
      await Deno.writeTextFile(
        `${directory}/ca.cnf`,
        `${database}crl_extensions=e\n[e]\nauthorityKeyIdentifier=keyid\n`,
      );
      await Deno.writeTextFile(`${directory}/index`, "");
      await Deno.writeTextFile(`${directory}/number`, "01\n");
      const ca = ["ca", "-config", "ca.cnf", "-cert", "ca.pem", "-keyfile", "ca.key"];
      await run(...ca, "-revoke", "client.pem", "-crl_reason", "keyCompromise");
      await run(...ca, "-gencrl", "-out", "crl.pem");
      const crlBundle = [await Deno.readFile(`${directory}/crl.pem`)];
      const revoking = await loadTrust({ ...settings, crlBundle }, new Date());
      assert.deepEqual(revoking.warnings, []);
      await expectRefused(
        revoking.trust,
        [{ ...makeAuthority(), der }],
        "revoked",
        /revoked by its issuer "CN=Our CA"/,
      );
    });
  });
}
