/** `config.example.toml`: it loads, it holds every key of the schema, and it tells the true defaults. */
import assert from "node:assert/strict";
import { findEntry, type Node } from "../../src/config/document.ts";
import { BUILT_IN } from "../../src/config/load_config.ts";
import { readDocument } from "../../src/config/read_document.ts";
import { visitSchema } from "../../src/config/schema.ts";
import { listenerAt } from "./listening_at.ts";
import { load } from "./load_text.ts";
import { makeKeyPair } from "./make_key_pair.ts";

const EXAMPLE = await Deno.readTextFile(new URL("../../config.example.toml", import.meta.url));

/** With the `# ` taken from every line that is a key, the head of a table, or goes on with a list. */
const UNCOMMENTED = EXAMPLE.replace(/^# (?=\[[a-z_."]+\]$|[a-z_]+ = | {2}"|\]$)/gm, "");

/** The same with the keys that take the place of others: no file can hold all of them. */
const WITH_ALTERNATIVES = UNCOMMENTED.replace(/^# or: /gm, "");

const NAMES: Readonly<Record<string, string>> = {
  repository: "team",
  identity: "ci",
  webhook: "gate",
  listener: "monitoring",
};

/** Tables in a row. */
const REPEATED: readonly string[] = ["upstream", "mirror"];

const DER_CRL = Uint8Array.of(0x30, 0x00);

function plainValue(node: Node | undefined): unknown {
  if (node?.kind === "integer") return Number(node.value);
  return node?.kind === "string" || node?.kind === "boolean" ? node.value : undefined;
}

Deno.test("config.example.toml as it is gives the built-in configuration", () => {
  const { warnings, ...settings } = load(EXAMPLE);
  assert.deepEqual({ ...settings, warnings: [] }, BUILT_IN);
  assert.match(warnings.join(), /^No access control is configured: everybody on this machine /);
});

Deno.test("config.example.toml with every line taken in loads, and changes nothing that has a default", async () => {
  const { certificate, key } = await makeKeyPair("ec", "-pkeyopt", "ec_paramgen_curve:P-256");
  const folder = "/etc/simple-registry";
  const settings = load(UNCOMMENTED, {
    files: {
      [`${folder}/server.pem`]: certificate,
      [`${folder}/server.key`]: key,
      [`${folder}/client-ca.pem`]: certificate,
      [`${folder}/client-ca.crl`]: DER_CRL,
      [`${folder}/webhook-client.pem`]: certificate,
      [`${folder}/webhook-client.key`]: key,
      [`${folder}/webhook-ca.pem`]: certificate,
    },
    env: {
      SIMPLE_REGISTRY_TOKEN_KEY: btoa("0123456789abcdef0123456789abcdef"),
      SIMPLE_REGISTRY_WEBHOOK_TOKEN: "t",
    },
  });
  const { tls, externalUrl, listeners, ...server } = settings.server;
  assert.equal(externalUrl, "https://registry.example.com");
  assert.deepEqual(listeners, [{ ...listenerAt("127.0.0.1", 8000), tls: true }]);
  const { accessPolicy, retention, ...global } = settings.global;
  assert.equal(retention.rules.length, 2);
  assert.equal(settings.repositories[0]?.retentionRules.length, 1);
  assert.ok(tls?.clientAuth !== undefined);
  assert.equal(accessPolicy?.defaultAllow, false);
  assert.equal(accessPolicy.rules.length, 2);
  assert.deepEqual(settings.auth.identities.map(({ id, username }) => [id, username]), [["ci", "ci-bot"]]);
  assert.equal(settings.auth.tokenService?.lifetimeSeconds, 3600);
  const [webhook] = settings.auth.webhooks;
  assert.deepEqual(webhook?.credential, { kind: "bearer", token: "t" });
  assert.ok(webhook.clientCertificate !== undefined && webhook.serverCa !== undefined);
  assert.deepEqual(settings.repositories.map((repository) => [repository.name as string]), [["team"]]);
  assert.equal(settings.repositories[0]?.accessPolicy?.rules.length, 1);
  assert.equal(settings.repositories[0]?.authorizationWebhook, undefined);

  const { accessPolicy: _, ...builtInGlobal } = BUILT_IN.global;
  const { listeners: __, ...builtInServer } = BUILT_IN.server;
  const { window, ...collect } = settings.collect;
  assert.deepEqual(window, { begin: 60, end: 5 * 60 });
  assert.deepEqual(collect, BUILT_IN.collect);
  assert.deepEqual([server, settings.blobStore, { ...global, retention: { ...retention, rules: [] } }], [
    builtInServer,
    BUILT_IN.blobStore,
    builtInGlobal,
  ]);
});

Deno.test("config.example.toml holds every key and table of the schema, each key with its default", () => {
  const problems: never[] = [];
  const document = readDocument("config.example.toml", WITH_ALTERNATIVES, problems);
  assert.deepEqual(problems, []);
  visitSchema((path, item) => {
    const entry = findEntry(
      document,
      path.flatMap((name, index) =>
        name === "*"
          ? NAMES[path[index - 1]!]!
          : REPEATED.includes(path.slice(0, index).at(-1) ?? "")
          ? ["1", name]
          : name
      ),
    );
    assert.ok(entry !== undefined, `${path.join(".")} is missing`);
    if (item.kind === "defaulted") assert.equal(plainValue(entry.node), item.written, path.join("."));
    if (item.kind === "named") assert.equal(entry.node.kind === "table" && entry.node.entries.size, 1);
  });
});

Deno.test("config.example.toml ends with a configuration of mutual TLS that loads", async () => {
  const { certificate, key } = await makeKeyPair("ec", "-pkeyopt", "ec_paramgen_curve:P-256");
  const lines = EXAMPLE.slice(EXAMPLE.indexOf("# Mutual TLS in one piece")).split("\n");
  const text = lines.filter((line) => line.startsWith("#     ")).map((line) => line.slice(6)).join("\n");
  const settings = load(text, {
    files: {
      "/tls/server-certificate.pem": certificate,
      "/tls/server-private-key.pem": key,
      "/tls/client-ca-bundle.pem": certificate,
      "/etc/simple-registry/reader.hash":
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
    },
  });
  assert.equal(settings.server.tls?.clientAuth?.caBundle, certificate);
  assert.equal(settings.global.accessPolicy?.rules.length, 2);
  assert.deepEqual(settings.warnings, []);
});

Deno.test("config.example.toml comments out every key that has a default", () => {
  assert.deepEqual(EXAMPLE.split("\n").filter((line) => /^[^#]*=/.test(line)), []);
});

Deno.test("the schema describes every key and table in a sentence", () => {
  visitSchema((path, item) => assert.match(item.about, /^[A-Z].*\.$/, path.join(".")));
});
