/** What cannot protect the registry stops its start with a sentence: never plain HTTP, never no verification. */
import assert from "node:assert/strict";
import { DAY_MS, makeAuthority, makeCertificate, makeClient } from "../auth/certificate_factory.ts";
import { makeRevocationList } from "../auth/revocation_list_factory.ts";
import { issueCertificate, writeServerCertificate } from "../harness/certificates.ts";
import { captureCommand } from "../harness/run_command.ts";
import { registryProgram } from "../harness/start_registry.ts";

const WRONG = 2;
const root = makeAuthority({ subject: "Client Root" });
const POLICY = `[global.access_policy]\ndefault_allow = true`;

interface Attempt {
  /** Files by name, beside server.crt and server.key. */
  readonly files?: Record<string, string>;
  /** Lines of [server.tls]. */
  readonly tls?: readonly string[];
  readonly config?: string;
}

/** Starts the registry as it would be started for good, and expects it to end by itself. */
async function expectNoStart(
  { files = {}, tls = [], config = POLICY }: Attempt,
  sentence: RegExp,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  await writeServerCertificate(folder);
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
  const lines = [
    '[server]\nbind_address = "127.0.0.1"\nport = 0',
    '[server.tls]\nserver_certificate_bundle = "server.crt"\nserver_private_key = "server.key"',
    ...tls,
    '[blob_store.fs]\nroot_dir = "data"',
    config,
  ];
  await Deno.writeTextFile(`${folder}/config.toml`, lines.join("\n"));
  const argv = [...await registryProgram(), "-c", "config.toml", "server"];
  const { code, stdout, stderr } = await captureCommand(argv, { cwd: folder, timeoutMs: 120_000 });
  assert.equal(code, WRONG, `${stdout}${stderr}`);
  assert.match(stderr, sentence);
  assert.doesNotMatch(stderr, /^\s+at /m, "a sentence, no stack");
  assert.doesNotMatch(stdout, /listening/);
  await assert.rejects(Deno.stat(`${folder}/data`), Deno.errors.NotFound, "nothing was made");
  await Deno.remove(folder, { recursive: true });
}

const CA = 'client_ca_bundle = "ca.pem"';
const CRL = 'client_crl_bundle = "ca.crl"';
const other = issueCertificate({ commonName: "other" });

const ATTEMPTS: readonly [title: string, attempt: Attempt, sentence: RegExp][] = [
  ["a CA bundle that does not exist", { tls: [CA] }, /client_ca_bundle: cannot read ca\.pem/],
  ["a CA bundle that is a folder", { tls: ['client_ca_bundle = "."'] }, /client_ca_bundle: cannot read \./],
  [
    "an empty CA bundle",
    { tls: [CA], files: { "ca.pem": "" } },
    /client_ca_bundle: .*no PEM block CERTIFICATE/,
  ],
  [
    "a CA bundle that holds a key",
    { tls: [CA], files: { "ca.pem": root.keyPem } },
    /client_ca_bundle: .*CERTIFICATE/,
  ],
  [
    "a CA bundle that is cut off",
    { tls: [CA], files: { "ca.pem": root.pem.slice(0, -40) } },
    /client_ca_bundle: .*does not end/,
  ],
  [
    "a certificate of a client in the CA bundle",
    { tls: [CA], files: { "ca.pem": root.pem + makeClient(root).pem } },
    /client_ca_bundle \(ca\.pem\): .*line \d+ cannot be used: .*is not a CA/,
  ],
  [
    "a self-signed certificate of a client in the CA bundle",
    { tls: [CA], files: { "ca.pem": makeCertificate({ subject: "alice" }).pem } },
    /client_ca_bundle \(ca\.pem\): .*is not a CA/,
  ],
  [
    "a CA of X.509 version 1",
    { tls: [CA], files: { "ca.pem": makeAuthority({ subject: "Old Root", version: 1 }).pem } },
    /client_ca_bundle \(ca\.pem\): .*version 1/,
  ],
  [
    "only CAs that are expired",
    {
      tls: [CA],
      files: {
        "ca.pem": makeAuthority({ notBefore: new Date(0), notAfter: new Date(Date.now() - DAY_MS) }).pem,
      },
    },
    /client_ca_bundle \(ca\.pem\): the CA "CN=Test CA" expired on/,
  ],
  [
    "an empty revocation list",
    { tls: [CA, CRL], files: { "ca.pem": root.pem, "ca.crl": "" } },
    /client_crl_bundle: .*X509 CRL/,
  ],
  [
    "a revocation list that the CA did not sign",
    {
      tls: [CA, CRL],
      files: {
        "ca.pem": root.pem,
        "ca.crl": makeRevocationList({ issuer: makeAuthority({ subject: "Client Root" }) }).pem,
      },
    },
    /client_crl_bundle \(ca\.crl\): .*is not signed by the CA of that name/,
  ],
  [
    "a revocation list that is past its next update",
    {
      tls: [CA, CRL],
      files: {
        "ca.pem": root.pem,
        "ca.crl": makeRevocationList({
          issuer: root,
          thisUpdate: new Date(Date.now() - 2 * DAY_MS),
          nextUpdate: new Date(Date.now() - DAY_MS),
        }).pem,
      },
    },
    /client_crl_bundle \(ca\.crl\): .*expired on/,
  ],
  [
    'client_auth = "required" without a CA',
    { tls: ['client_auth = "required"'] },
    /client_auth: needs client_ca_bundle/,
  ],
  [
    "a misspelt key",
    { tls: ['client_ca_bundel = "ca.pem"'] },
    /client_ca_bundel: unknown key.*client_ca_bundle/,
  ],
  [
    "a private key that does not fit",
    { files: { "server.key": other.keyPem } },
    /server_private_key: server\.key is not the key of the certificate in server_certificate_bundle/,
  ],
  [
    "a private key that is missing",
    { files: { "server.key": "" } },
    /server_private_key: .*no PEM block PRIVATE KEY/,
  ],
  [
    "a server certificate that is none",
    { files: { "server.crt": "hello" } },
    /server_certificate_bundle: .*CERTIFICATE/,
  ],
  [
    "a rule that misspells a variable",
    { config: `[global.access_policy]\nrules = ["identity.certificat.common_names.contains('a')"]` },
    /config\.toml:\d+: global\.access_policy\.rules: .*certificat/,
  ],
];

for (const [title, attempt, sentence] of ATTEMPTS) {
  Deno.test(`the registry does not start with ${title}`, () => expectNoStart(attempt, sentence));
}
