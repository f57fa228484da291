/** The keys of `[server.tls]` about client certificates. */
import assert from "node:assert/strict";
import { type ConfigError, loadConfig } from "../../src/config/load_config.ts";
import { load, noFile, problemsOf, type Surroundings } from "./load_text.ts";
import { makeKeyPair } from "./make_key_pair.ts";

const DAY = 86_400_000;

const SERVER = await makeKeyPair("ec", "-pkeyopt", "ec_paramgen_curve:P-256");
const CA = await makeKeyPair("rsa:2048");

const DER_CRL = Uint8Array.of(0x30, 0x03, 0x02, 0x01, 0xff);
const PEM_CRL = "the list\n-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n";

const TABLE = `[global.access_policy]
[server.tls]
server_certificate_bundle = "server.pem"
server_private_key = "server.key"
`;

function withFiles(files: Surroundings["files"], now?: Date): Surroundings {
  return {
    files: { "server.pem": SERVER.certificate, "server.key": SERVER.key, "ca.pem": CA.certificate, ...files },
    ...(now && { now }),
  };
}

Deno.test("loadConfig() asks no client for a certificate without client_ca_bundle", () => {
  const { tls } =
    load(`${TABLE}client_auth = "optional"\nadvertise_client_cas = false`, withFiles({})).server;
  assert.ok(tls !== undefined && !("clientAuth" in tls));
});

Deno.test("loadConfig() asks clients for certificates with client_ca_bundle, which they may leave out", () => {
  const bundle = `CAs\n${CA.certificate}and\n${SERVER.certificate}`;
  const { server, warnings } = load(`${TABLE}client_ca_bundle = "cas.pem"`, withFiles({ "cas.pem": bundle }));
  assert.deepEqual(server.tls?.clientAuth, {
    caBundle: CA.certificate + SERVER.certificate,
    caBundleFile: "cas.pem",
    required: false,
    crls: [],
    crlFiles: [],
    crlMissing: "deny",
    crlExpired: "deny",
    advertiseCas: false,
  });
  assert.deepEqual(warnings, []);
});

Deno.test("loadConfig() reads every key about client certificates, and CRLs as the bytes that they are", () => {
  const settings = load(
    `${TABLE}client_ca_bundle = "ca.pem"
client_auth = "required"
client_crl_bundle = ["a.crl", "b.crl"]
crl_missing = "allow"
crl_expired = "warn"
advertise_client_cas = true`,
    withFiles({ "a.crl": DER_CRL, "b.crl": PEM_CRL }),
  );
  assert.deepEqual(settings.server.tls?.clientAuth, {
    caBundle: CA.certificate,
    caBundleFile: "ca.pem",
    required: true,
    crls: [DER_CRL, new TextEncoder().encode(PEM_CRL)],
    crlFiles: ["a.crl", "b.crl"],
    crlMissing: "allow",
    crlExpired: "warn",
    advertiseCas: true,
  });
  assert.deepEqual(structuredClone(settings), settings);
});

Deno.test("loadConfig() takes a single path for client_crl_bundle", () => {
  const text = `${TABLE}client_ca_bundle = "ca.pem"\nclient_crl_bundle = "\${CRL}"`;
  const settings = load(text, { ...withFiles({ "a.crl": DER_CRL }), env: { CRL: "a.crl" } });
  assert.deepEqual(settings.server.tls?.clientAuth?.crlFiles, ["a.crl"]);
});

for (
  const [lines, expected] of [
    [`client_auth = "required"`, ["5: server.tls.client_auth: needs client_ca_bundle beside it"]],
    [`client_crl_bundle = "a.crl"\ncrl_missing = "deny"`, [
      "5: server.tls.client_crl_bundle: needs client_ca_bundle beside it",
    ]],
    ["advertise_client_cas = true", ["5: server.tls.advertise_client_cas: needs client_ca_bundle beside it"]],
    [`client_ca_bundle = "ca.pem"\ncrl_missing = "deny"\ncrl_expired = "deny"`, [
      "6: server.tls.crl_missing: needs client_crl_bundle beside it",
      "7: server.tls.crl_expired: needs client_crl_bundle beside it",
    ]],
    [`client_auth = "yes"\nclient_ca_bundle = "ca.pem"`, [
      '5: server.tls.client_auth: expected "optional" or "required", got the text "yes"',
    ]],
    [`client_ca_bundle = ["ca.pem"]`, ["5: server.tls.client_ca_bundle: expected a path, got an array"]],
    [`client_ca_bundle = "none.pem"`, [
      "5: server.tls.client_ca_bundle: cannot read none.pem: no such file",
    ]],
    [`client_ca_bundle = "empty"`, ["5: server.tls.client_ca_bundle: empty holds no PEM block CERTIFICATE"]],
    [`client_ca_bundle = "server.key"`, [
      "5: server.tls.client_ca_bundle: server.key holds no PEM block CERTIFICATE, only PRIVATE KEY",
    ]],
    [`client_ca_bundle = "cut.pem"`, [
      "5: server.tls.client_ca_bundle: cut.pem holds a certificate whose PEM block does not end",
    ]],
    [`client_ca_bundle = "ca.pem"\nclient_crl_bundle = []`, [
      "6: server.tls.client_crl_bundle: names no file",
    ]],
    [`client_ca_bundle = "ca.pem"\nclient_crl_bundle = 1`, [
      '6: server.tls.client_crl_bundle: expected a path or a list of paths such as ["/tls/root.crl", ' +
      '"/tls/issuing.crl"], got the number 1',
    ]],
    [
      `client_ca_bundle = "ca.pem"\nclient_crl_bundle = [\n  "a.crl",\n  "none.crl",\n  "ca.pem",\n  "empty",\n  "",\n]`,
      [
        "8: server.tls.client_crl_bundle: cannot read none.crl: no such file",
        "9: server.tls.client_crl_bundle: ca.pem holds neither a PEM block X509 CRL nor a CRL in DER",
        "10: server.tls.client_crl_bundle: empty holds neither a PEM block X509 CRL nor a CRL in DER",
        '11: server.tls.client_crl_bundle: expected a path, got the text ""',
      ],
    ],
  ] as const
) {
  Deno.test(`loadConfig() refuses ${JSON.stringify(lines)} under [server.tls]`, () => {
    const files = { "a.crl": DER_CRL, empty: "", "cut.pem": CA.certificate.slice(0, 200) };
    assert.deepEqual(
      problemsOf(TABLE + lines, withFiles(files)),
      expected.map((line) => `config.toml:${line}`),
    );
  });
}

Deno.test("loadConfig() warns of a CA outside its dates and starts all the same", () => {
  const text = `${TABLE}client_ca_bundle = "ca.pem"`;
  const { warnings } = load(text, withFiles({}, new Date(Date.now() + 2 * DAY)));
  assert.match(
    warnings.join("\n"),
    /^Certificate number 1 of server\.pem expired on .*Z: clients will refuse it\nCertificate number 1 of ca\.pem expired on .*Z: client certificates that need it will be refused$/,
  );
});

Deno.test("loadConfig() does not miss client_ca_bundle and other keys while another file is no TOML", () => {
  const lines = `[server.tls]
client_auth = "required"
client_crl_bundle = []
crl_missing = "deny"
advertise_client_cas = true
[auth.identity.a]
[auth.token_service]
[auth.webhook.a]
client_private_key = "a"
[global]
authorization_webhook = "b"`;
  const sources = [{ file: "a.toml", text: lines }, { file: "b.toml", text: "b c" }];
  assert.throws(() => loadConfig(sources, () => undefined, noFile), (fault: ConfigError) => {
    assert.deepEqual(fault.problems.map((problem) => [problem.file, problem.line, problem.message]), [
      ["a.toml", 3, "names no file"],
      ["a.toml", 9, "cannot read a: no file a"],
      ["b.toml", 1, "not valid TOML at column 3: expected equal (=) token"],
    ]);
    return true;
  });
});

Deno.test("loadConfig() does not warn of an open registry where the handshake requires a certificate", () => {
  const text = `server.bind_address = "0.0.0.0"
[global.access_policy]
default_allow = true
[server.tls]
server_certificate_bundle = "server.pem"
server_private_key = "server.key"
client_ca_bundle = "ca.pem"
client_auth = `;
  assert.deepEqual(load(`${text}"required"`, withFiles({})).warnings, []);
  assert.match(load(`${text}"optional"`, withFiles({})).warnings.join(), /^Listening on 0\.0\.0\.0 with/);
});
