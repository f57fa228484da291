/** `[auth.identity.<id>]`, `[auth.token_service]`, and how secrets are read and kept from messages. */
import assert from "node:assert/strict";
import { load, problemsOf } from "./load_text.ts";

const HASH =
  "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

const KEY_BYTES = Uint8Array.from({ length: 32 }, (_, index) => 255 - index);
const KEY = btoa(String.fromCharCode(...KEY_BYTES));

Deno.test("loadConfig() reads identities, with the hash from the text, the environment or a file", () => {
  const { auth } = load(
    `[auth.identity.ci]
username = "ci-bot"
password = "${HASH}"
[auth.identity."any key at all"]
username = "Zoë Q"
password = "\${HASH}"
[auth.identity.constructor]
username = "c"
password_file = "/run/\${NAME}"`,
    { env: { HASH, NAME: "c.hash" }, files: { "/run/c.hash": `${HASH}\r\n` } },
  );
  assert.deepEqual(auth.identities, [
    { id: "ci", username: "ci-bot", passwordHash: HASH },
    { id: "any key at all", username: "Zoë Q", passwordHash: HASH },
    { id: "constructor", username: "c", passwordHash: HASH },
  ]);
});

Deno.test("loadConfig() refuses two identities with one user name", () => {
  const identity = (id: string) => `[auth.identity.${id}]\nusername = "x"\npassword = "${HASH}"\n`;
  assert.deepEqual(problemsOf(identity("a") + identity("b")), [
    "config.toml:5: auth.identity.b.username: is the user name of [auth.identity.a] too (config.toml:1)",
  ]);
});

for (
  const [lines, expected] of [
    ["", [
      '1: auth.identity.a.username: is missing, expected a user name of 1 to 256 characters without ":" and ' +
      "control characters",
      "1: auth.identity.a.password: is missing, expected password or password_file",
    ]],
    [`username = "u"\npassword = "${HASH}"\npassword_file = "f"`, [
      "4: auth.identity.a.password_file: stands beside password: write one of the two",
    ]],
    [`username = "u"\npassword = ""`, [
      "3: auth.identity.a.password: expected a text that is not empty, got an empty text",
    ]],
    [`username = "u"\npassword_file = "none"`, [
      "3: auth.identity.a.password_file: cannot read none: no such file",
    ]],
    [`username = "u"\npassword_file = "blank"`, ["3: auth.identity.a.password_file: blank is empty"]],
    [`username = "u"\npassword = "\${UNSET}"`, [
      "3: auth.identity.a.password: the environment variable UNSET is not set",
    ]],
    ...["", "a:b", "a\\nb", "x".repeat(257)].map((username) => [
      `username = "${username}"\npassword = "${HASH}"`,
      [/^config\.toml:2: auth\.identity\.a\.username: expected a user name of 1 to 256 characters/],
    ]),
  ] as [string, (string | RegExp)[]][]
) {
  Deno.test(`loadConfig() refuses an identity with ${JSON.stringify(lines.slice(0, 90))}`, () => {
    const problems = problemsOf(`[auth.identity.a]\n${lines}`, { files: { blank: " \n" } });
    assert.equal(problems.length, expected.length, problems.join("\n"));
    for (const [index, line] of expected.entries()) {
      if (typeof line === "string") assert.equal(problems[index], `config.toml:${line}`);
      else assert.match(problems[index]!, line);
    }
  });
}

Deno.test("loadConfig() refuses an identity and a webhook without a name, which would be nobody", () => {
  assert.deepEqual(
    problemsOf(`[auth.identity.""]\nusername = "u"\npassword = "${HASH}"
[auth.webhook.""]\nurl = "https://example.com"\ntimeout_ms = 1`),
    [
      'config.toml:1: auth.identity."": needs a name that is not empty',
      'config.toml:4: auth.webhook."": needs a name that is not empty',
    ],
  );
});

for (
  const [form, text] of [
    ["standard base64", KEY],
    ["base64 without padding", KEY.replace("=", "")],
    ["base64 of the other alphabet", KEY.replaceAll("+", "-").replaceAll("/", "_")],
  ] as const
) {
  Deno.test(`loadConfig() reads the key of the token service as ${form}`, () => {
    const { tokenService } = load(`[auth.token_service]\nsecret_key = "${text}"`).auth;
    assert.deepEqual(tokenService, { key: KEY_BYTES, lifetimeSeconds: 3600 });
  });
}

Deno.test("loadConfig() reads the token service whole, with a key that a file holds in lines", () => {
  const settings = load(
    `[auth.token_service]
secret_key_file = "/run/key"
realm = "https://registry.example.com:5000/auth/token"
ttl_secs = 86400`,
    { files: { "/run/key": `${KEY.slice(0, 20)}\n${KEY.slice(20)}\n` } },
  );
  assert.deepEqual(settings.auth.tokenService, {
    key: KEY_BYTES,
    lifetimeSeconds: 86_400,
    realm: "https://registry.example.com:5000/auth/token",
  });
  assert.deepEqual(structuredClone(settings), settings);
});

for (
  const [line, expected] of [
    ["", "1: auth.token_service.secret_key: is missing, expected secret_key or secret_key_file"],
    [
      'secret_key = "c2hvcnQ="',
      "2: auth.token_service.secret_key: holds 5 bytes only, expected base64 of at least 32",
    ],
    [
      'secret_key = "hunter2, hunter2"',
      "2: auth.token_service.secret_key: is not base64, expected base64 of at least 32",
    ],
    [`secret_key = "${KEY}="`, "2: auth.token_service.secret_key: is not base64"],
    [
      `secret_key = "${KEY}"\nttl_secs = 0`,
      "3: auth.token_service.ttl_secs: expected a whole number from 1 to 86400",
    ],
    [
      `secret_key = "${KEY}"\nttl_secs = 86401`,
      "3: auth.token_service.ttl_secs: expected a whole number from 1 to 86400",
    ],
    ...[
      "/token",
      "registry.example.com/token",
      "ftp://r/token",
      "https://r/tokens",
      "https://r/token?x=1",
      "https://u@r/token",
    ]
      .map((realm) => [
        `secret_key = "${KEY}"\nrealm = "${realm}"`,
        '3: auth.token_service.realm: expected a URL such as "https://registry.example.com/token", with a path',
      ]),
  ] as [string, string][]
) {
  Deno.test(`loadConfig() refuses a token service with ${JSON.stringify(line)}`, () => {
    const [problem, ...others] = problemsOf(`[auth.token_service]\n${line}`);
    assert.deepEqual(others, []);
    assert.ok(problem!.startsWith(`config.toml:${expected}`), problem);
  });
}

Deno.test("loadConfig() shows no secret in any problem", () => {
  const secret = "hunter2hunter2:";
  const wrong = [
    `[auth.identity.a]\nusername = "u"\npassword = "${secret}"`,
    `[auth.identity.a]\nusername = "u"\npassword = "\${S}"`,
    `[auth.identity.a]\nusername = "u"\npassword_file = "f"`,
    `[auth.identity.a]\nusername = "u"\npassword = ["${secret}"]`,
    `[auth.identity.a]\nusername = "u"\npassword = "${secret}\${"`,
    `[auth.identity.a]\nusername = "u"\npassword = "${secret}`,
    `[auth.identity]\na = "${secret}"`,
    `[auth]\nidentity = "${secret}"`,
    `[auth.token_service]\nsecret_key = "${secret}"`,
    `[auth.token_service]\nsecret_key_file = "f"`,
    `[auth.token_service]\nsecret_key = "${secret}"\nsecret_key_file = "f"`,
    `[auth.webhook.a]\ntimeout_ms = 1\nurl = "https://u:${secret}@example.com"`,
    `[auth.webhook.a]\ntimeout_ms = 1\nurl = "https://example.com"\nbearer_token = "${secret} x"`,
    `[auth.webhook.a]\ntimeout_ms = 1\nurl = "https://example.com"\nbasic_auth = "u:${secret}"`,
    `[auth.webhook.a]\ntimeout_ms = 1\nurl = "https://example.com"\nbasic_auth = { password = "${secret}" }`,
    `[auth.webhook.a]\ntimeout_ms = 1\nurl = "https://example.com"\nbasic_auth = { username = "u", pasword = "${secret}" }`,
  ];
  for (const text of wrong) {
    const problems = problemsOf(text, { env: { S: secret }, files: { f: secret } }).join("\n");
    assert.ok(!problems.includes("hunter2"), problems);
  }
  const number = problemsOf('[auth.identity.a]\nusername = "u"\npassword = 271828');
  assert.deepEqual(number, [
    "config.toml:3: auth.identity.a.password: expected a text that is not empty, got a number",
  ]);
});

Deno.test("loadConfig() warns of passwords that travel unencrypted, unless a proxy in front encrypts", () => {
  const text = `server.bind_address = "10.0.0.1"
[auth.identity.a]\nusername = "u"\npassword = "${HASH}"
[global.access_policy]\n`;
  assert.deepEqual(load(text).warnings, [
    "Listening on 10.0.0.1 without [server.tls]: passwords and tokens travel where others can read them",
  ]);
  assert.deepEqual(load(`${text}[global]\ntrusted_proxies = ["10.0.0.2"]`).warnings, []);
});
