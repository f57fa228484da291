/** `[server.listener.<name>]`: what may stand there, and that each listener is judged for itself. */
import assert from "node:assert/strict";
import { load, problemsOf } from "./load_text.ts";
import { makeKeyPair } from "./make_key_pair.ts";

const PAIR = await makeKeyPair("ec", "-pkeyopt", "ec_paramgen_curve:P-256");
const TLS = '[server.tls]\nserver_certificate_bundle = "c"\nserver_private_key = "k"\n';
const FILES = { c: PAIR.certificate, k: PAIR.key };
const POLICY = `[global.access_policy]\nrules = ["identity.username == 'ci'"]\n`;

Deno.test("listeners have an address of their own, TLS where there is one, and loopback where they name none", () => {
  const text = `[server.listener.outside]
bind_address = "::"
port = 443
[server.listener.proxy]
path = "/run/r.sock"
mode = "0600"
[server.listener.monitoring]
tls = false
serves = "metrics"
${TLS}${POLICY}`;
  const { server, warnings } = load(text, { files: FILES });
  assert.deepEqual(server.listeners, [
    {
      name: "outside",
      at: { kind: "tcp", host: "::", port: 443 },
      tls: true,
      serves: "everything",
      mustStayLocal: false,
    },
    {
      name: "proxy",
      at: { kind: "unix", path: "/run/r.sock", mode: 0o600 },
      tls: false,
      serves: "everything",
      mustStayLocal: false,
    },
    {
      name: "monitoring",
      at: { kind: "tcp", host: "127.0.0.1", port: 8000 },
      tls: false,
      serves: "metrics",
      mustStayLocal: false,
    },
  ]);
  assert.deepEqual(warnings, []);
});

Deno.test("a listener without TLS that others can reach needs a policy, also beside one with TLS", () => {
  const text = '[server.listener.a]\nbind_address = "::"\n[server.listener.b]\n' +
    `bind_address = "10.0.0.1"\nport = 1\ntls = false\nserves = "metrics"\n${TLS}`;
  assert.deepEqual(problemsOf(text, { files: FILES }).map((line) => line.replace(/ by this.*/, "")), [
    "config.toml:4: server.listener.b.bind_address: others can reach this address, and there is neither encryption " +
    'nor an access policy: write "127.0.0.1", or add [server.tls] and [global.access_policy]',
  ]);
  load(`${text}${POLICY}`, { files: FILES });
});

Deno.test("nobody but this machine is let in by default, whatever is encrypted", () => {
  const reachable = load(`server.bind_address = "::"\n${TLS}`, { files: FILES });
  assert.equal(reachable.global.accessPolicy, undefined);
  const local = load(`[server.listener.a]\npath = "s"\n[server.listener.b]\n${TLS}`, { files: FILES });
  assert.equal(local.global.accessPolicy?.defaultAllow, true);
  assert.ok(local.server.listeners.every(({ mustStayLocal }) => mustStayLocal));
});

Deno.test("a listener without TLS beside required certificates is told of", () => {
  const text =
    `[server.listener.a]\n[server.listener.b]\nport = 1\ntls = false\n${TLS}client_ca_bundle = "c"\n` +
    `client_auth = "required"\n${POLICY}`;
  assert.match(
    load(text, { files: FILES }).warnings.join(),
    /^Listening on 127\.0\.0\.1 without TLS: nobody shows a certificate there/,
  );
});

for (
  const [text, problem] of [
    [
      "[server]\nport = 1\n[server.listener.a]",
      ":2: server.port: stands beside [server.listener]: give it a table of its own there",
    ],
    [
      '[server.listener.a]\npath = "s"\nport = 1',
      ":3: server.listener.a.port: stands beside path: write one of the two",
    ],
    [
      '[server.listener.a]\nmode = "0600"',
      ":2: server.listener.a.mode: needs path beside it",
    ],
    [
      '[server.listener.a]\npath = "s"\nmode = "rw"',
      ':3: server.listener.a.mode: expected permissions in octal such as "0660", got the text "rw"',
    ],
    ["[server.listener.a]\ntls = true", ":2: server.listener.a.tls: needs [server.tls]"],
    [
      '[server.listener.a]\npath = "s"\ntls = true',
      ":3: server.listener.a.tls: a unix socket speaks HTTP: remove it",
    ],
    [
      "[server.listener.a]\nport = 1\n[server.listener.b]\nport = 1",
      ":3: server.listener.b: is where [server.listener.a] listens already",
    ],
    [
      '[server.listener."a:b"]',
      ':1: server.listener."a:b": needs a name of letters, digits, - and _',
    ],
    [
      'server.external_url = "https://registry.example.com/v2"',
      ':1: server.external_url: expected a URL such as "https://registry.example.com" or ' +
      '"https://registry.example.com:5000", without a path, got the text "https://registry.example.com/v2"',
    ],
  ] as const
) {
  Deno.test(`loadConfig() says ${problem}`, () => {
    assert.deepEqual(problemsOf(text), [`config.toml${problem}`]);
  });
}
