/** `[auth.webhook.<name>]`, and which of them `authorization_webhook` names where. */
import assert from "node:assert/strict";
import { load, problemsOf, type Surroundings } from "./load_text.ts";
import { makeKeyPair } from "./make_key_pair.ts";

const PAIR = await makeKeyPair("ec", "-pkeyopt", "ec_paramgen_curve:P-256");
const OTHER = await makeKeyPair("ec", "-pkeyopt", "ec_paramgen_curve:P-256");

const FILES: NonNullable<Surroundings["files"]> = {
  "gate.pem": PAIR.certificate,
  "gate.key": PAIR.key,
  "other.key": OTHER.key,
  "ca.pem": OTHER.certificate,
  "gate.token": "t0ken\n",
  "gate.password": "p:w d\n",
};

/** Lines 1 to 5 of a configuration; more lines for the webhook may follow. */
const GATE = `[global]
authorization_webhook = "gate"
[auth.webhook.gate]
url = "https://policy.example.com/check?a=b"
timeout_ms = 60000
`;

Deno.test("loadConfig() reads a webhook with nothing but what is required", () => {
  assert.deepEqual(load(GATE).auth.webhooks, [{
    name: "gate",
    url: "https://policy.example.com/check?a=b",
    timeoutMs: 60_000,
    forwardHeaders: [],
    cacheTtlMs: 60_000,
  }]);
});

Deno.test("loadConfig() reads every key of a webhook", () => {
  const settings = load(
    `${GATE}bearer_token = "\${TOKEN}"
client_certificate_bundle = "gate.pem"
client_private_key = "gate.key"
server_ca_bundle = "ca.pem"
forward_headers = ["X-Request-Id", "user-agent", "x-request-id"]
cache_ttl = 0`,
    { env: { TOKEN: "t" }, files: FILES },
  );
  assert.deepEqual(settings.auth.webhooks, [{
    name: "gate",
    url: "https://policy.example.com/check?a=b",
    timeoutMs: 60_000,
    credential: { kind: "bearer", token: "t" },
    clientCertificate: {
      certificate: PAIR.certificate,
      privateKey: PAIR.key,
      certificateFile: "gate.pem",
      privateKeyFile: "gate.key",
    },
    serverCa: { pem: OTHER.certificate, file: "ca.pem" },
    forwardHeaders: ["x-request-id", "user-agent"],
    cacheTtlMs: 0,
  }]);
  assert.deepEqual(structuredClone(settings), settings);
});

for (
  const [lines, expected] of [
    ['bearer_token_file = "gate.token"', { kind: "bearer", token: "t0ken" }],
    ['basic_auth = { username = "u", password = "p:w" }', { kind: "basic", username: "u", password: "p:w" }],
    ['[auth.webhook.gate.basic_auth]\nusername = "u"\npassword_file = "gate.password"', {
      kind: "basic",
      username: "u",
      password: "p:w d",
    }],
  ] as const
) {
  Deno.test(`loadConfig() reads what the registry shows to the webhook from ${lines.split(" ")[0]}`, () => {
    assert.deepEqual(load(GATE + lines, { files: FILES }).auth.webhooks[0]?.credential, expected);
  });
}

for (
  const [written, ms] of [["0", 0], ["5", 5000], ['"0s"', 0], ['"1m30s"', 90_000], [
    '"30d"',
    2_592_000_000,
  ]] as const
) {
  Deno.test(`loadConfig() remembers answers for ${ms} ms with cache_ttl = ${written}`, () => {
    assert.equal(load(`${GATE}cache_ttl = ${written}`).auth.webhooks[0]?.cacheTtlMs, ms);
  });
}

for (
  const [lines, expected] of [
    ['bearer_token = "t"\nbearer_token_file = "gate.token"', [
      "7: auth.webhook.gate.bearer_token_file: stands beside bearer_token: write one of the two",
    ]],
    ['bearer_token = "t"\nbasic_auth = { username = "u", password = "p" }', [
      "7: auth.webhook.gate.basic_auth: stands beside a bearer token: write one of the two",
    ]],
    ['bearer_token = "t t"', [
      "6: auth.webhook.gate.bearer_token: holds a space or a character that no bearer token has",
    ]],
    ["basic_auth = {}", [
      '6: auth.webhook.gate.basic_auth.username: is missing, expected a user name of 1 to 256 characters without ":" ' +
      "and control characters",
      "6: auth.webhook.gate.basic_auth.password: is missing, expected password or password_file",
    ]],
    ['client_private_key = "gate.key"', [
      "6: auth.webhook.gate.client_private_key: needs client_certificate_bundle beside it",
    ]],
    ['client_certificate_bundle = "gate.pem"', [
      "6: auth.webhook.gate.client_certificate_bundle: needs client_private_key beside it",
    ]],
    ['client_certificate_bundle = "gate.pem"\nclient_private_key = "other.key"', [
      "7: auth.webhook.gate.client_private_key: other.key is not the key of the certificate in client_certificate_bundle",
    ]],
    ['server_ca_bundle = "gate.key"', [
      "6: auth.webhook.gate.server_ca_bundle: gate.key holds no PEM block CERTIFICATE, only PRIVATE KEY",
    ]],
    ['cache_ttl = "31d"', [
      '6: auth.webhook.gate.cache_ttl: expected a duration such as "1h30m" or "500ms", or a number of seconds, ' +
      'at most 30d, got the text "31d"',
    ]],
    [
      'forward_headers = [\n  "a b",\n  "Authorization",\n  "x-registry-username",\n  "X-Forwarded-For",\n  "te",\n]',
      [
        '7: auth.webhook.gate.forward_headers: expected the name of a header, such as "x-request-id", got the text "a b"',
        '8: auth.webhook.gate.forward_headers: cannot forward "authorization": it would show the passwords and tokens of ' +
        "clients to the webhook, which gets the user name anyway",
        '9: auth.webhook.gate.forward_headers: cannot forward "x-registry-username": the registry sends this header ' +
        "itself, and a client could contradict it",
        '10: auth.webhook.gate.forward_headers: cannot forward "x-forwarded-for": the registry sends this header itself, ' +
        "and a client could contradict it",
        '11: auth.webhook.gate.forward_headers: cannot forward "te": this header belongs to one connection only',
      ],
    ],
  ] as const
) {
  Deno.test(`loadConfig() refuses a webhook with ${JSON.stringify(lines)}`, () => {
    const problems = problemsOf(GATE + lines, { files: FILES });
    assert.deepEqual(problems, expected.map((line) => `config.toml:${line}`));
  });
}

Deno.test("loadConfig() refuses a webhook without url and timeout_ms, and times out of bounds", () => {
  assert.deepEqual(
    problemsOf("[auth.webhook.a]\n[auth.webhook.b]\nurl = 'https://example.com'\ntimeout_ms = 0").map((
      line,
    ) => line.split(", ")[0]),
    [
      "config.toml:1: auth.webhook.a.url: is missing",
      "config.toml:1: auth.webhook.a.timeout_ms: is missing",
      "config.toml:4: auth.webhook.b.timeout_ms: expected a whole number from 1 to 60000",
    ],
  );
});

for (
  const url of [
    "policy.example.com",
    "https:policy.example.com",
    "ftp://policy.example.com",
    "https://",
    "https://user@policy.example.com",
    "https://policy.example.com/#a",
    "https://policy.example.com/a b",
    "https://policy.example.com\\\\\\\\@evil.example",
    "https://policy.example.com:99999",
  ]
) {
  Deno.test(`loadConfig() refuses ${url} as the url of a webhook`, () => {
    const [problem, ...others] = problemsOf(`[auth.webhook.a]\ntimeout_ms = 1\nurl = "${url}"`);
    assert.match(
      problem!,
      /^config\.toml:3: auth\.webhook\.a\.url: expected a URL such as .*, got a text$/,
    );
    assert.deepEqual(others, []);
  });
}

Deno.test("loadConfig() refuses keys of TLS for a webhook that is asked over plain HTTP", () => {
  const text = `[auth.webhook.a]
url = "http://127.0.0.1:9000/check"
timeout_ms = 1
client_certificate_bundle = "gate.pem"
client_private_key = "gate.key"
server_ca_bundle = "ca.pem"`;
  assert.deepEqual(problemsOf(text, { files: FILES }), [
    "config.toml:4: auth.webhook.a.client_certificate_bundle: needs a url that begins with https://",
    "config.toml:5: auth.webhook.a.client_private_key: needs a url that begins with https://",
    "config.toml:6: auth.webhook.a.server_ca_bundle: needs a url that begins with https://",
  ]);
});

const TWO = `[auth.webhook.a]
url = "https://a.example.com"
timeout_ms = 1
[auth.webhook.b]
url = "https://b.example.com"
timeout_ms = 1
`;

Deno.test("loadConfig() gives each repository its own webhook, the global one, or none", () => {
  const { global, repositories } = load(`global.authorization_webhook = "a"
[repository.inherits]
[repository.own]
authorization_webhook = "b"
[repository.none]
authorization_webhook = ""
${TWO}`);
  assert.equal(global.authorizationWebhook, "a");
  assert.deepEqual(
    repositories.map(({ name, authorizationWebhook }) => [name as string, authorizationWebhook]),
    [
      ["inherits", "a"],
      ["own", "b"],
      ["none", undefined],
    ],
  );
});

Deno.test("loadConfig() refuses webhooks that are not there", () => {
  assert.deepEqual(
    problemsOf(`global.authorization_webhook = "c"\n[repository.r]\nauthorization_webhook = "B"\n${TWO}`),
    [
      'config.toml:1: global.authorization_webhook: there is no webhook "c": expected one of a, b',
      'config.toml:3: repository.r.authorization_webhook: there is no webhook "B": expected one of a, b',
    ],
  );
  assert.deepEqual(problemsOf('global.authorization_webhook = "c"'), [
    'config.toml:1: global.authorization_webhook: there is no webhook "c": none is configured',
  ]);
});

Deno.test("loadConfig() warns of a webhook that nobody names", () => {
  const { warnings } = load(`[global]\naccess_policy = {}\nauthorization_webhook = "b"\n${TWO}`);
  assert.deepEqual(warnings, ['No authorization_webhook names [auth.webhook."a"]: it is never asked']);
});
