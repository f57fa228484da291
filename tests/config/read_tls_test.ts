/** `[server.tls]`: the files it names, and whether certificate and key belong together. */
import assert from "node:assert/strict";
import { load, problemsOf, type Surroundings } from "./load_text.ts";
import { convertKey, makeKeyPair } from "./make_key_pair.ts";

const DAY = 86_400_000;

const TABLE = `[server.tls]
server_certificate_bundle = "tls/server.pem"
server_private_key = "tls/server.key"
`;

/** Refuses everything, which keeps the warning away that there is none. */
const POLICY = "[global.access_policy]\n";

function withFiles(certificate: string, key: string, now?: Date): Surroundings {
  return { files: { "tls/server.pem": certificate, "tls/server.key": key }, ...(now && { now }) };
}

const RSA = await makeKeyPair("rsa:2048");
const P256 = await makeKeyPair("ec", "-pkeyopt", "ec_paramgen_curve:P-256");

for (
  const [kind, pair] of [
    ["an RSA key", RSA],
    ["an RSA key in PKCS#1", { ...RSA, key: await convertKey(RSA.key, "rsa", "-traditional") }],
    ["a P-256 key", P256],
    ["a P-256 key in SEC1", { ...P256, key: await convertKey(P256.key, "ec") }],
    ["a P-384 key", await makeKeyPair("ec", "-pkeyopt", "ec_paramgen_curve:P-384")],
    ["an Ed25519 key", await makeKeyPair("ed25519")],
  ] as const
) {
  Deno.test(`loadConfig() reads certificate and key files with ${kind}`, () => {
    const settings = load(TABLE + POLICY, withFiles(pair.certificate, pair.key));
    assert.deepEqual(settings.server.tls, {
      minimumVersion: "1.2",
      certificate: pair.certificate,
      privateKey: pair.key,
      certificateFile: "tls/server.pem",
      privateKeyFile: "tls/server.key",
    });
    assert.deepEqual(settings.warnings, []);
  });
}

Deno.test("loadConfig() takes one file for both, and leaves out what stands around the PEM blocks", () => {
  const both = `the server\r\n${P256.key}and\n${P256.certificate}end`;
  const { certificate, privateKey } = load(TABLE, withFiles(both, both)).server.tls!;
  assert.deepEqual({ certificate, key: privateKey }, P256);
});

Deno.test("loadConfig() takes a chain, the server's certificate first", () => {
  const bundle = P256.certificate + RSA.certificate;
  assert.equal(load(TABLE, withFiles(bundle, P256.key)).server.tls?.certificate, bundle);
});

Deno.test("loadConfig() reads the handshake timeout of [server.tls]", () => {
  const settings = load(`${TABLE}handshake_timeout = "3s"`, withFiles(RSA.certificate, RSA.key));
  assert.equal(settings.server.handshakeTimeoutMs, 3000);
});

Deno.test("loadConfig() names both missing keys at the line of the table", () => {
  assert.deepEqual(problemsOf("\n[server.tls]"), [
    "config.toml:2: server.tls.server_certificate_bundle: is missing, expected a path",
    "config.toml:2: server.tls.server_private_key: is missing, expected a path",
  ]);
});

Deno.test("loadConfig() names both files that it cannot read, with the reason", () => {
  assert.deepEqual(problemsOf(TABLE), [
    "config.toml:2: server.tls.server_certificate_bundle: cannot read tls/server.pem: no such file",
    "config.toml:3: server.tls.server_private_key: cannot read tls/server.key: no such file",
  ]);
});

Deno.test("loadConfig() keeps a problem on one line even when the path has more", () => {
  const table = TABLE.replace("tls/server.pem", "a\\nb");
  assert.deepEqual(problemsOf(table, withFiles("", RSA.key)), [
    "config.toml:2: server.tls.server_certificate_bundle: cannot read a\\u000ab: no such file",
  ]);
});

const DAMAGED = RSA.certificate.replace(/\n.{30}/, "\n" + "A".repeat(30));
for (
  const [what, certificate, key, expected] of [
    ["a bundle without a certificate", RSA.key, RSA.key, [
      "config.toml:2: server.tls.server_certificate_bundle: tls/server.pem holds no PEM block CERTIFICATE, only PRIVATE KEY",
    ]],
    ["a bundle in DER", "0\ufffd\u0002\ufffd", RSA.key, [
      "config.toml:2: server.tls.server_certificate_bundle: tls/server.pem holds no PEM block CERTIFICATE: it is in DER " +
      'or PKCS #12; make PEM of it with "openssl x509", "pkey" or "pkcs12"',
    ]],
    ["a damaged certificate", RSA.certificate + DAMAGED, RSA.key, [
      "config.toml:2: server.tls.server_certificate_bundle: tls/server.pem holds a damaged certificate, number 2 of 2",
    ]],
    ["a certificate that is cut off", P256.certificate + RSA.certificate.slice(0, 200), P256.key, [
      "config.toml:2: server.tls.server_certificate_bundle: tls/server.pem holds a certificate whose PEM block does not end",
    ]],
    ["a key file without a key", RSA.certificate, RSA.certificate, [
      "config.toml:3: server.tls.server_private_key: tls/server.key holds no PEM block PRIVATE KEY, only CERTIFICATE",
    ]],
    ["a key file with two keys", RSA.certificate, RSA.key + P256.key, [
      "config.toml:3: server.tls.server_private_key: tls/server.key holds 2 private keys, expected exactly one",
    ]],
    ["a key that is cut off", RSA.certificate, RSA.key.slice(0, 300), [
      "config.toml:3: server.tls.server_private_key: tls/server.key holds a private key whose PEM block does not end",
    ]],
    ["a damaged key", RSA.certificate, RSA.key.replace(/\n.{30}/, "\n" + "A".repeat(30)), [
      "config.toml:3: server.tls.server_private_key: tls/server.key holds a damaged private key, or one of an unknown kind",
    ]],
    ["a key of another certificate", RSA.certificate, P256.key, [
      "config.toml:3: server.tls.server_private_key: tls/server.key is not the key of the certificate in " +
      "server_certificate_bundle",
    ]],
    [
      "a key of the same kind that is not the certificate's",
      RSA.certificate,
      (await makeKeyPair("rsa:2048")).key,
      [
        "config.toml:3: server.tls.server_private_key: tls/server.key is not the key of the certificate in " +
        "server_certificate_bundle",
      ],
    ],
    ["a bundle in the wrong order", P256.certificate + RSA.certificate, RSA.key, [
      "config.toml:3: server.tls.server_private_key: tls/server.key belongs to certificate number 2 of " +
      "server_certificate_bundle; put that certificate first",
    ]],
    ["empty files", "", "", [
      "config.toml:2: server.tls.server_certificate_bundle: tls/server.pem holds no PEM block CERTIFICATE",
      "config.toml:3: server.tls.server_private_key: tls/server.key holds no PEM block PRIVATE KEY",
    ]],
  ] as const
) {
  Deno.test(`loadConfig() refuses ${what}`, () => {
    assert.deepEqual(problemsOf(TABLE, withFiles(certificate, key)), expected);
  });
}

for (
  const [kind, ...algorithm] of [
    ["rsa of 1024 bits", "rsa:1024"],
    ["rsa-pss", "rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
    ["ec on secp256k1", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
    ["ed448", "ed448"],
  ] as const
) {
  Deno.test(`loadConfig() refuses a key of the kind ${kind}, with which no handshake ends well`, async () => {
    const { certificate, key } = await makeKeyPair(...algorithm);
    assert.deepEqual(problemsOf(TABLE, withFiles(certificate, key)), [
      `config.toml:3: server.tls.server_private_key: tls/server.key holds a key of the kind ${kind}; ` +
      "expected RSA of at least 2048 bits, ECDSA on P-256, P-384 or P-521, or Ed25519",
    ]);
  });
}

for (
  const [form, args] of [
    ["PKCS#8", ["pkcs8", "-topk8", "-passout", "pass:x"]],
    ["PKCS#1", ["rsa", "-traditional", "-aes128", "-passout", "pass:x"]],
  ] as const
) {
  Deno.test(`loadConfig() refuses an encrypted key in ${form} without asking for its passphrase`, async () => {
    const key = await convertKey(RSA.key, ...args);
    assert.deepEqual(problemsOf(TABLE, withFiles(RSA.certificate, key)), [
      "config.toml:3: server.tls.server_private_key: tls/server.key holds an encrypted key; " +
      'decrypt it with "openssl pkey -in KEY -out NEW_KEY"',
    ]);
  });
}

Deno.test("loadConfig() warns of a certificate outside its dates and starts all the same", () => {
  const later = load(TABLE + POLICY, withFiles(RSA.certificate, RSA.key, new Date(Date.now() + 2 * DAY)));
  assert.match(
    later.warnings.join(),
    /^Certificate number 1 of tls\/server.pem expired on .*Z: clients will refuse it$/,
  );
  const earlier = load(TABLE + POLICY, withFiles(RSA.certificate, RSA.key, new Date(Date.now() - DAY)));
  assert.match(
    earlier.warnings.join(),
    /^Certificate number 1 of tls\/server.pem is valid only from .*Z on: clients/,
  );
});

Deno.test("loadConfig() lets every address listen with TLS, and says that nobody gets in without a policy", () => {
  const settings = load(`server.bind_address = "0.0.0.0"\n${TABLE}`, withFiles(RSA.certificate, RSA.key));
  assert.match(settings.warnings.join(), /^No access policy is configured/);
});

Deno.test("loadConfig() does not call an address open because [server.tls] is faulty", () => {
  const [problem, ...others] = problemsOf('server = { bind_address = "0.0.0.0", tls = 1 }');
  assert.equal(problem, "config.toml:1: server.tls: expected a table [server.tls], got a number");
  assert.deepEqual(others, []);
});
