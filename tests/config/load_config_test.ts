/** The loader as a whole: defaults, merging, cross-checks, and that every problem is told at once. */
import assert from "node:assert/strict";
import { parseRepositoryName } from "../../src/core/repository_name.ts";
import { BUILT_IN, ConfigError, loadConfig } from "../../src/config/load_config.ts";
import type { Settings } from "../../src/config/settings.ts";
import { listenerAt, placeOf } from "./listening_at.ts";
import { load, noFile, problemsOf } from "./load_text.ts";

Deno.test("BUILT_IN listens on loopback without TLS, and allows everything", () => {
  assert.deepEqual(
    BUILT_IN,
    {
      server: {
        listeners: [{ ...listenerAt("127.0.0.1", 8000), mustStayLocal: true }],
        threads: 0,
        handshakeTimeoutMs: 10_000,
        headersTimeoutMs: 15_000,
        idleTimeoutMs: 75_000,
        minimumBodyRate: 1024,
        bodyStallTimeoutMs: 30_000,
        drainTimeoutMs: 30_000,
        maxConnections: 10_000,
      },
      blobStore: {
        rootDir: "./data",
        minimumFreeSpace: 256 * 1024 ** 2,
        verifyOnRead: false,
        smallBlobLimit: 16 * 1024,
      },
      global: {
        maxManifestSize: 5 * 1024 ** 2,
        maxBlobSize: 100 * 1024 ** 3,
        allowMissingManifestReferences: false,
        uploadExpiryMs: 24 * 3_600_000,
        tags: { immutable: false, exclusions: [], allowDelete: false },
        retention: { rules: [], intervalMs: 24 * 3_600_000, maxRemovalsPercent: 50 },
        tagHistoryMs: 30 * 86_400_000,
        pullHistoryMs: 30 * 86_400_000,
        accessPolicy: { defaultAllow: true, rules: [], file: "", line: 0 },
        trustedProxies: [],
      },
      collect: { enabled: true, intervalMs: 3_600_000, graceMs: 12 * 3_600_000 },
      scrub: { intervalMs: 30 * 86_400_000, rate: 50 * 1024 ** 2 },
      auth: { identities: [], webhooks: [] },
      repositories: [],
      syncs: [],
      warnings: [],
    } satisfies Settings,
  );
});

Deno.test("loadConfig() gives settings that can be posted to a thread", () => {
  const settings = load('[repository."team/app"]');
  assert.deepEqual(structuredClone(settings), settings);
});

Deno.test("loadConfig() reads every key", () => {
  const settings = load(`
    [server]
    bind_address = "::1"
    port = 5000
    threads = 3
    max_connections = 7
    headers_timeout = "1s"
    idle_timeout = 2
    minimum_body_rate = 0
    body_timeout = "500ms"
    drain_timeout = "1m30s"
    [blob_store]
    fs = { root_dir = "/srv/registry", minimum_free_space = "1GB", verify_on_read = true }
    [global]
    max_manifest_size = "8MiB"
    max_blob_size = 1_000
    allow_missing_manifest_references = true
    upload_expiry = "7d"
    immutable_tags = true
    immutable_tags_exclusions = ["latest"]
    allow_delete_immutable = true
    tag_history = "1h"
    retention_interval = 0
    max_removals_percent = 10
    retention_policy = { rules = ["image.tag == 'latest'"] }
    update_pull_time = false
    access_policy = { default_allow = true }
    authorization_webhook = "gate"
    trusted_proxies = ["10.0.0.0/8"]
    [collect]
    enabled = false
    interval = "30m"
    grace = "1d"
    window = "22:30-04:00"
    [auth.webhook.gate]
    url = "https://policy.example.com"
    timeout_ms = 1
    [repository.team]
    immutable_tags_exclusions = ["dev-.*"]
    quota_bytes = "1GB"
    quota_manifests = 10
    quota_tags = 5
    retention_policy = { rules = ["top_pushed(5)"] }
    [repository."other/app"]
    allow_delete_immutable = false
    [scrub]
    interval = 0
    rate = "1MB"`);
  assert.deepEqual(
    settings,
    {
      server: {
        listeners: [listenerAt("::1", 5000)],
        threads: 3,
        handshakeTimeoutMs: 10_000,
        headersTimeoutMs: 1000,
        idleTimeoutMs: 2000,
        minimumBodyRate: 0,
        bodyStallTimeoutMs: 500,
        drainTimeoutMs: 90_000,
        maxConnections: 7,
      },
      blobStore: {
        rootDir: "/srv/registry",
        minimumFreeSpace: 1_000_000_000,
        verifyOnRead: true,
        smallBlobLimit: 16 * 1024,
      },
      global: {
        maxManifestSize: 8 * 1024 ** 2,
        maxBlobSize: 1000,
        allowMissingManifestReferences: true,
        uploadExpiryMs: 7 * 86_400_000,
        tags: { immutable: true, exclusions: ["latest"], allowDelete: true },
        retention: {
          rules: [{ text: "image.tag == 'latest'", file: "config.toml", line: 25, column: 35 }],
          intervalMs: 0,
          maxRemovalsPercent: 10,
        },
        tagHistoryMs: 3_600_000,
        accessPolicy: { defaultAllow: true, rules: [], file: "config.toml", line: 27 },
        authorizationWebhook: "gate",
        trustedProxies: [{ address: "10.0.0.0", prefixLength: 8 }],
      },
      collect: {
        enabled: false,
        intervalMs: 1_800_000,
        graceMs: 86_400_000,
        window: { begin: 22 * 60 + 30, end: 4 * 60 },
      },
      scrub: { intervalMs: 0, rate: 1_000_000 },
      auth: {
        identities: [],
        webhooks: [{
          name: "gate",
          url: "https://policy.example.com/",
          timeoutMs: 1,
          forwardHeaders: [],
          cacheTtlMs: 60_000,
        }],
      },
      repositories: [
        {
          name: parseRepositoryName("team"),
          retentionRules: [{ text: "top_pushed(5)", file: "config.toml", line: 43, column: 35 }],
          tags: { immutable: true, exclusions: ["dev-.*"], allowDelete: true },
          quota: { bytes: 1_000_000_000, manifests: 10, tags: 5 },
          authorizationWebhook: "gate",
          unprefixed: false,
        },
        {
          name: parseRepositoryName("other/app"),
          retentionRules: [],
          tags: { immutable: true, exclusions: ["latest"], allowDelete: false },
          quota: {},
          authorizationWebhook: "gate",
          unprefixed: false,
        },
      ],
      syncs: [],
      warnings: [],
    } satisfies Settings,
  );
});

Deno.test("loadConfig() merges files left to right: tables key by key, values whole", () => {
  const settings = loadConfig(
    [
      { file: "base.toml", text: '[server]\nport = 1\nthreads = 2\n[repository."a"]' },
      { file: "site.toml", text: 'server.port = 3\n[global]\nmax_blob_size = 9\n[repository."b"]' },
    ],
    () => undefined,
    noFile,
  );
  assert.equal(placeOf(settings).port, 3);
  assert.equal(settings.server.threads, 2);
  assert.equal(settings.global.maxBlobSize, 9);
  assert.deepEqual(settings.repositories.map((repository) => repository.name), ["a", "b"]);
});

Deno.test("loadConfig() points at the file that a value of a merged configuration comes from", () => {
  const sources = [
    { file: "base.toml", text: "[server]\nport = 1\nthreads = 'x'\n" },
    { file: "site.toml", text: "\n\n[server]\nport = 'y'\n" },
  ];
  assert.throws(() => loadConfig(sources, () => undefined, noFile), {
    name: "ConfigError",
    message: 'base.toml:3: server.threads: expected a whole number from 0 to 256, got the text "x"\n' +
      'site.toml:4: server.port: expected a whole number from 0 to 65535, got the text "y"',
  });
});

Deno.test("loadConfig() does not look at a faulty value that a later file replaces", () => {
  const sources = [{ file: "a", text: "server.port = '${UNSET}'" }, { file: "b", text: "server.port = 1" }];
  assert.equal(placeOf(loadConfig(sources, () => undefined, noFile)).port, 1);
});

Deno.test("loadConfig() tells every problem at once, in the order of the lines", () => {
  assert.deepEqual(
    problemsOf(`prot = 1
[global]
max_blob_size = "5G"
upload_expiry = "\${UNSET}"
[server]
prot = 8000
bind_address = "0.0.0.0"
idle_timeout = 0
[repository."A"]
`),
    [
      "config.toml:1: prot: unknown key, expected one of server, blob_store, global, collect, scrub, observability, repository, mirror, auth",
      'config.toml:3: global.max_blob_size: expected a size such as "5GiB" (1024) or "5GB" (1000), ' +
      'or a number of bytes, at least 1, got the text "5G"',
      "config.toml:4: global.upload_expiry: the environment variable UNSET is not set",
      'config.toml:6: server.prot: unknown key, did you mean "server.port"?',
      "config.toml:7: server.bind_address: others can reach this address, and there is neither encryption nor an " +
      'access policy: write "127.0.0.1", or add [server.tls] and [global.access_policy]',
      'config.toml:8: server.idle_timeout: expected a duration such as "1h30m" or "500ms", ' +
      "or a number of seconds, above 0 and at most 24d, got the number 0",
      'config.toml:9: repository.A: Cannot use repository name "A": unexpected "A" at position 1: ' +
      "use lower-case letters, digits, and single . _ __ - between them",
    ],
  );
});

Deno.test("loadConfig() gives a problem its line and column, from 1", () => {
  try {
    load("[server]\n  port = true");
    assert.fail("expected a ConfigError");
  } catch (fault) {
    assert(fault instanceof ConfigError);
    assert.deepEqual(fault.problems, [{
      file: "config.toml",
      line: 2,
      column: 10,
      key: "server.port",
      message: "expected a whole number from 0 to 65535, got true",
    }]);
  }
});

Deno.test("loadConfig() blames no key as missing, and no address as open, while another file is no TOML", () => {
  const sources = [
    { file: "a.toml", text: "[server]\nbind_address = '0.0.0.0'\nprot = 1\n[server.tls]" },
    { file: "b.toml", text: "[server.tls\n" },
  ];
  const env = () => undefined;
  assert.throws(() => loadConfig(sources, env, noFile), (fault: ConfigError) => {
    assert.deepEqual(fault.problems.map((problem) => [problem.file, problem.key]), [
      ["a.toml", "server.prot"],
      ["b.toml", ""],
    ]);
    return true;
  });
});

Deno.test("loadConfig() refuses a repository inside another, wherever the two stand", () => {
  assert.deepEqual(
    problemsOf('[repository."a/b/c"]\n[repository."ab"]\n[repository."a/b-c"]\n[repository."a/b"]'),
    [
      'config.toml:1: repository."a/b/c": lies inside [repository."a/b"] (config.toml:4), ' +
      "and one repository can have one table only",
    ],
  );
});

Deno.test("loadConfig() takes a repository whose name is a property of every object", () => {
  assert.deepEqual(load("[repository.constructor]").repositories.map((r) => r.name as string), [
    "constructor",
  ]);
});

Deno.test("loadConfig() takes keys for keys even when objects have properties of that name", () => {
  assert.deepEqual(
    problemsOf("constructor = 1\n[server]\ntoString = 1\n__proto__.port = 1\n[__proto__]\nserver = 1\n").map((
      line,
    ) => line.split(": ").slice(0, 2).join(": ")),
    [
      "config.toml:1: constructor",
      "config.toml:3: server.toString",
      "config.toml:4: server.__proto__",
      "config.toml:5: __proto__",
    ],
  );
  assert.equal(({} as Record<string, unknown>)["port"], undefined);
});

Deno.test("loadConfig() refuses values where tables belong, and tables where values belong", () => {
  assert.deepEqual(problemsOf("server = 1\nrepository.a = 2\nblob_store = []\n[global.max_blob_size]\n"), [
    "config.toml:1: server: expected a table [server], got a number",
    "config.toml:2: repository.a: expected a table [repository.a], got a number",
    "config.toml:3: blob_store: expected a table [blob_store], got an array",
    'config.toml:4: global.max_blob_size: expected a size such as "5GiB" (1024) or "5GB" (1000), ' +
    "or a number of bytes, at least 1, got a table",
  ]);
});

Deno.test("loadConfig() passes a fault of the environment up untouched", () => {
  const fault = new Error("no permission");
  const env = () => {
    throw fault;
  };
  const sources = [{ file: "a", text: 'server.port = "${PORT}"' }];
  assert.throws(() => loadConfig(sources, env, noFile), (thrown) => thrown === fault);
});
