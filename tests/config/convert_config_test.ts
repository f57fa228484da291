/** The original's configuration, every key of it, as this program reads it after the conversion. */
import assert from "node:assert/strict";
import { convertConfig } from "../../src/config/convert_config.ts";
import { ConfigError, loadConfig } from "../../src/config/load_config.ts";
import { KEYS_OF_THE_ORIGINAL } from "../../src/config/keys_of_the_original.ts";
import type { Settings } from "../../src/config/settings.ts";
import { readSampleFile } from "../docs/sample_files.ts";

function load(text: string): Settings {
  return loadConfig([{ file: "config.toml", text }], () => undefined, readSampleFile);
}

/** Converts, and gives what was changed by key. */
function convert(text: string) {
  const { text: result, changes } = convertConfig(text, "old.toml");
  return { result, changes: new Map(changes.map((change) => [change.key, change])) };
}

/** What people have who followed the original's documents. */
const USUAL = `# Our registry.
[server]
bind_address = "127.0.0.1"
port = 5000
query_timeout = 3600

[server.tls]
server_certificate_bundle = "server.pem"
server_private_key = "server.key"
client_ca_bundle = "ca.pem"

[global]
max_concurrent_requests = 8   # threads
update_pull_time = true
gc_grace_secs = 86400
shutdown_drain_secs = 20
immutable_tags = true
immutable_tags_exclusions = ["^latest$", 'dev', "^a|b$"]

[global.access_policy]
default = "deny"
rules = [
  "identity.username != null",          # whoever has logged in
  'identity.id == null && identity.certificate.organizations.contains("ops")',
]

[global.retention_policy]
rules = ["image.tag != null", "top_pushed(10)"]

[blob_store.fs]
root_dir = "/srv/registry/"
sync_to_disk = true

[cache.redis]
url = "redis://localhost"
key_prefix = "x"

[auth.identity.ci]
username = "ci"
password = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

[repository."team"]
authorization_webhook = ""

[ui]
enabled = true
`;

Deno.test("a usual configuration of the original loads after the conversion, and means the same", () => {
  const { result } = convert(USUAL);
  const { server, global, collect, blobStore, auth, repositories } = load(result) as Settings & {
    repositories: readonly unknown[];
  };
  assert.equal(server.drainTimeoutMs, 20_000);
  assert.equal(collect.graceMs, 86_400_000);
  assert.equal(blobStore.rootDir, "/srv/registry.simple-registry");
  assert.equal(auth.identities.length, 1);
  assert.equal(global.tagHistoryMs > 0, true);
  assert.equal(repositories.length, 1);
});

Deno.test("everything that is not changed stays as it is, comments and blank lines included, and each change has a comment", () => {
  const { result } = convert(USUAL);
  for (const line of ["# Our registry.", "port = 5000", 'default = "deny"', "update_pull_time = true"]) {
    assert.ok(result.split("\n").includes(line), line);
  }
  assert.match(result, /# CONVERTED: server\.query_timeout: not needed: .*\n# query_timeout = 3600\n/);
  assert.match(result, /\n# max_concurrent_requests = 8 {3}# threads\n/);
  assert.match(result, /\[server\]\n# CONVERTED: was global\.shutdown_drain_secs\ndrain_timeout = 20\n/);
  assert.match(result, /\n\[collect\]\n# CONVERTED: was global\.gc_grace_secs\ngrace = 86400\n$/);
  assert.match(result, /# CONVERTED: blob_store\.fs\.root_dir: .*--from-simple-registry \/srv\/registry\n/);
  assert.match(result, /\n# \[cache\.redis\]\n# url = .*\n# key_prefix = "x"\n/);
});

Deno.test("rules that compare with null compare with what is there instead, inside of either kind of quotation marks", () => {
  const { result } = convert(USUAL);
  assert.match(result, / {2}"identity\.username != ''", {10}# whoever has logged in\n/);
  assert.match(result, / {2}'identity\.id == "" && identity\.certificate/);
  assert.match(result, /rules = \["image\.tag != ''", "top_pushed\(10\)"\]/);
  assert.match(
    convert(`[global.access_policy]\nrules = ["null != identity.username"]`).result,
    /"'' != identity\.username"/,
  );
});

Deno.test("a pattern of tags that was looked for anywhere stands for the whole tag, and takes the same tags", () => {
  const { result } = convert(USUAL);
  assert.match(result, /exclusions = \["\^latest\$", '\.\*\(\?:dev\)\.\*', "\.\*\(\?:\^a\|b\$\)\.\*"\]/);
  load(result);
});

Deno.test("an empty webhook of a repository meant the global one, and is not taken for none", () => {
  const { result, changes } = convert(USUAL);
  assert.match(result, /\n# authorization_webhook = ""\n/);
  assert.match(changes.get("repository.team.authorization_webhook")!.what, /meant the webhook of \[global\]/);
});

Deno.test("what protects or reports and is not here is a loss, and is told as one", () => {
  const { result, changes } = convert(`[auth.oidc.github]
issuer = "https://token.actions.githubusercontent.com"
required_claims = ["repository"]

[[repository."a".downstream]]
name = "copy"
url = "https://example.com"

[blob_store.s3]
bucket = "b"

[event_webhook.ci]
url = "https://example.com"
`);
  for (const key of ["auth.oidc", "repository.a.downstream", "blob_store.s3", "event_webhook"]) {
    const found = [...changes].find(([path]) => path.startsWith(key));
    assert.equal(found?.[1].isLoss, true, key);
  }
  assert.match(result, /^# LOST: auth\.oidc\.github: .*\n# \[auth\.oidc\.github\]\n# issuer/);
  load(result);
});

Deno.test("every key of the original that is not here is taken out, wherever it stands", () => {
  for (const key of KEYS_OF_THE_ORIGINAL.keys()) {
    const path = key.replace("*", '"a"').split(".");
    const [table, name] = path.length === 1 ? [key, "any"] : [path.slice(0, -1).join("."), path.at(-1)];
    const { result } = convert(`[${table}]\n${name} = 1\n`);
    assert.doesNotMatch(result, new RegExp(`^${name} = `, "m"), key);
  }
});

Deno.test("a rule that nobody can convert is left, so that the result is refused instead of being weaker", () => {
  const { result } = convert(`[global.access_policy]
default = "allow"
rules = ["identity.oidc != null && identity.oidc.claims['actor'] == 'mallory'"]`);
  assert.throws(() => load(result), ConfigError);
});

Deno.test("a dollar sign before a brace stays what it was, since it names no variable of the environment there", () => {
  const text = `[auth.webhook.a]\nurl = "https://example.com/a"\ntimeout_ms = 5\nbearer_token = "a\${b}c"\n`;
  const { result } = convert(text);
  assert.match(JSON.stringify(load(result).auth.webhooks), /a\$\{b\}c/);
});

Deno.test("a grace of minutes is not taken over, nor a timeout of TLS where there is none", () => {
  const { result, changes } = convert("[server]\nhandshake_timeout = 5\n[global]\ngc_grace_secs = 300\n");
  assert.equal(load(result).collect.graceMs, 12 * 3_600_000);
  assert.deepEqual([...changes.keys()], ["server.handshake_timeout", "global.gc_grace_secs"]);
});

Deno.test("inline tables, dotted keys, Windows line ends and a byte order mark are read; what is no TOML is refused with its line", () => {
  const { result } = convert(
    '\ufeffblob_store = { fs = { root_dir = "/a" } }\r\nglobal.update_pull_time = true\r\n',
  );
  assert.equal(load(result).blobStore.rootDir, "/a.simple-registry");
  assert.throws(
    () => convertConfig("[a\n", "old.toml"),
    /Cannot convert old\.toml: not valid TOML in line \d/,
  );
});

Deno.test("what is converted once stays as it is when it is converted again, but for its folder", () => {
  const { result } = convert(
    USUAL.replace('[blob_store.fs]\nroot_dir = "/srv/registry/"\n', "[blob_store.fs]\n"),
  );
  assert.deepEqual([...convert(result).changes.keys()], []);
});

Deno.test("traces go to the port at which collectors take them over HTTP", () => {
  const text = '[observability.tracing]\nendpoint = "http://127.0.0.1:4317/"\nsampling_rate = 0.5\n';
  const { result, changes } = convert(text);
  assert.match(changes.get("observability.tracing.endpoint")!.what, /over HTTP here, not by gRPC/);
  assert.deepEqual(load(result).tracing, { endpoint: "http://127.0.0.1:4318", samplingRate: 0.5 });
  assert.deepEqual([...convert(result).changes.keys()], []);
});
