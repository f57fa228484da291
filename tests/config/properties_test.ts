/** What holds of every text: nothing but the one error comes out, and merging does not depend on grouping. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { ConfigError, loadConfig } from "../../src/config/load_config.ts";
import { mergeTables, type TableNode } from "../../src/config/document.ts";
import { readDocument } from "../../src/config/read_document.ts";
import { visitSchema } from "../../src/config/schema.ts";
import { KEYS_OF_THE_ORIGINAL } from "../../src/config/keys_of_the_original.ts";

const RUNS = { numRuns: 500 };

/** Loads, and holds what must hold of every outcome. */
function loadOrRefuse(...texts: string[]): void {
  const sources = texts.map((text, index) => ({ file: `${index}.toml`, text }));
  const readFile = (path: string) => {
    throw new Error(`no ${path}`);
  };
  try {
    const settings = loadConfig(sources, (name) => name.length % 2 === 0 ? "1" : undefined, readFile);
    assert.deepEqual(structuredClone(settings), settings);
  } catch (fault) {
    if (!(fault instanceof ConfigError)) throw fault;
    assert.ok(fault.problems.length > 0);
    for (const problem of fault.problems) {
      assert.ok(sources.some((source) => source.file === problem.file), JSON.stringify(problem));
      assert.ok(Number.isInteger(problem.line) && problem.line >= 0);
      assert.ok(!/[\n\r]/.test(problem.message + problem.key), "a problem has one line");
    }
  }
}

const knownPaths: string[] = ["constructor", "__proto__.x", ...KEYS_OF_THE_ORIGINAL.keys()];
visitSchema((path) => knownPaths.push(path.join(".")));

const keyPath = fc.oneof(
  fc.constantFrom(...knownPaths),
  fc.stringMatching(/^[a-z_]{1,8}(\.[a-z_]{1,8}){0,3}$/),
).map((path) => path.replace("*", "team"));

const value = fc.oneof(
  fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    '"5GiB"',
    '"1h30m"',
    '"${HOME}"',
    '"${AB}s"',
    '"$${"',
    '"::1"',
    '"0.0.0.0"',
    "true",
    "nan",
    "-inf",
  ),
  fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }).map(String),
  fc.double().filter(Number.isFinite).map((number) => number.toFixed(3)),
  fc.constantFrom("1979-05-27", "[1, [2]]", "{}", "{ port = 1 }", "{ a.b = [ {} ] }"),
);

const line = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(keyPath, value).map(([path, text]) => `${path} = ${text}`) },
  { weight: 2, arbitrary: keyPath.map((path) => `[${path}]`) },
  { weight: 1, arbitrary: keyPath.map((path) => `[[${path}]]`) },
);

const config = fc.array(line, { maxLength: 8 }).map((lines) => lines.join("\n"));

const VALID = `[server]
bind_address = "127.0.0.1" # here
port = 5000
idle_timeout = "1h30m"
tls.server_certificate_bundle = "a"
[blob_store.fs]
root_dir = "\${HOME}/data"
[global]
max_blob_size = "5GiB"
allow_missing_manifest_references = true
trusted_proxies = ["10.0.0.0/8", "::1"]
authorization_webhook = "gate"
[global.access_policy]
default_allow = true
rules = ["identity.username == 'a'", """
request.action.startsWith('get-') &&
  'b' in identity.certificate.organizations"""]
[repository."team/app"]
authorization_webhook = ""
[repository.other]
access_policy = {}
[auth.identity.ci]
username = "ci"
password = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
[auth.token_service]
secret_key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
realm = "https://registry.example.com/token"
[auth.webhook.gate]
url = "https://policy.example.com"
timeout_ms = 1000
basic_auth = { username = "u", password = "\${HOME}" }
forward_headers = ["x-request-id"]
cache_ttl = 0
`;

Deno.test("loadConfig() of any text throws nothing but ConfigError", () => {
  fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => loadOrRefuse(text)), RUNS);
  const tokens = fc.constantFrom(
    ..."[]{}=.,\"'#\n\\$ -_+:09azT".split(""),
    "server",
    "tls",
    "true",
    "nan",
    "${",
    '"""',
  );
  fc.assert(fc.property(fc.array(tokens, { maxLength: 40 }), (parts) => loadOrRefuse(parts.join(""))), RUNS);
});

Deno.test("loadConfig() of any keys and values, in one file or several, throws nothing but ConfigError", () => {
  fc.assert(fc.property(fc.array(config, { maxLength: 3 }), (texts) => loadOrRefuse(...texts)), RUNS);
});

Deno.test("loadConfig() of a valid text with random changes throws nothing but ConfigError", () => {
  const edit = fc.record({
    at: fc.nat(VALID.length),
    cut: fc.nat(20),
    put: fc.oneof(fc.string({ unit: "binary", maxLength: 5 }), value, line),
  });
  fc.assert(
    fc.property(fc.array(edit, { minLength: 1, maxLength: 4 }), (edits) => {
      let text = VALID;
      for (const { at, cut, put } of edits) text = text.slice(0, at) + put + text.slice(at + cut);
      loadOrRefuse(text);
    }),
    RUNS,
  );
});

Deno.test("mergeTables() is associative where tables and values have their fixed places", () => {
  // A path of one name is a value, a longer one lies in tables: no key is a table here and a value there.
  const path = fc.constantFrom("a", "b", "t.a", "t.b", "t.u.a", "w.a", "w.__proto__");
  const source = fc.dictionary(path, fc.nat(99), { noNullPrototype: true }).map((entries) =>
    Object.entries(entries).map(([key, number]) => `${key} = ${number}`).join("\n")
  );
  fc.assert(
    fc.property(source, source, source, (...texts) => {
      const [a, b, c] = texts.map((text, index) => readDocument(`${index}`, text, [])) as [
        TableNode,
        TableNode,
        TableNode,
      ];
      assert.deepEqual(mergeTables(mergeTables(a, b), c), mergeTables(a, mergeTables(b, c)));
    }),
    RUNS,
  );
});

Deno.test("mergeTables() leaves its arguments as they are", () => {
  const earlier = readDocument("a", "[t]\na = 1", []);
  const later = readDocument("b", "[t]\na = 2\nb = 3", []);
  const before = structuredClone([earlier, later]);
  mergeTables(earlier, later);
  assert.deepEqual([earlier, later], before);
});
