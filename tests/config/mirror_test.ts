/** `[[repository."x".upstream]]` and the keys of a mirror beside it. */
import assert from "node:assert/strict";
import { load, problemsOf } from "./load_text.ts";
import { makeKeyPair } from "./make_key_pair.ts";

const HUB = `[[repository."dockerhub".upstream]]
url = "https://registry-1.docker.io/"
`;

Deno.test("an upstream makes a repository a mirror, with patience for seconds and copies for an outage", () => {
  const [repository] = load(HUB).repositories;
  assert.equal(repository?.namespace, undefined);
  assert.deepEqual(repository?.mirror, {
    upstreams: [{
      url: "https://registry-1.docker.io",
      maxRedirects: 5,
      connectTimeoutMs: 5000,
      readTimeoutMs: 30_000,
      allowedAddresses: [],
      tokenRealms: [],
    }],
    revalidateAfterMs: 300_000,
    onUpstreamError: "serve-stale",
    onUpstreamNotFound: "serve-stale",
    offline: false,
  });
});

Deno.test("every key of an upstream is taken over, and several upstreams keep their order", async () => {
  const { certificate, key } = await makeKeyPair("ec", "-pkeyopt", "ec_paramgen_curve:P-256");
  const files = { "/ca.pem": certificate, "/own.pem": certificate, "/own.key": key, "/password": "secret\n" };
  const [repository] = load(
    `[repository."quay"]
namespace = "Quay.io"
unprefixed = true
revalidate_after = "never"
on_upstream_error = "fail"
on_upstream_not_found = "fail"
offline = true
[[repository."quay".upstream]]
url = "https://cache.example.com:8443/quay"
username = "reader"
password_file = "/password"
server_ca_bundle = "/ca.pem"
client_certificate = "/own.pem"
client_private_key = "/own.key"
max_redirect = 0
connect_timeout_secs = 1
read_timeout_secs = 2
allowed_addresses = ["10.0.0.0/8", "::1"]
token_realms = ["Auth.example.net", "auth.example.org:8443"]
[[repository."quay".upstream]]
url = "https://quay.io"
`,
    { files },
  ).repositories;
  assert.equal(repository?.namespace, "quay.io");
  assert.equal(repository.unprefixed, true);
  const { upstreams, ...rules } = repository.mirror!;
  assert.deepEqual(rules, {
    revalidateAfterMs: Infinity,
    onUpstreamError: "fail",
    onUpstreamNotFound: "fail",
    offline: true,
  });
  const [first, second] = upstreams;
  assert.deepEqual(first, {
    url: "https://cache.example.com:8443/quay",
    credential: { username: "reader", password: "secret" },
    serverCa: { pem: certificate, file: "/ca.pem" },
    clientCertificate: {
      certificate,
      privateKey: key,
      certificateFile: "/own.pem",
      privateKeyFile: "/own.key",
    },
    maxRedirects: 0,
    connectTimeoutMs: 1000,
    readTimeoutMs: 2000,
    allowedAddresses: [{ address: "10.0.0.0", prefixLength: 8 }, { address: "::1", prefixLength: 128 }],
    tokenRealms: ["auth.example.net", "auth.example.org:8443"],
  });
  assert.equal(second?.url, "https://quay.io");
});

Deno.test("every problem of an upstream is told with its line, and no password is shown", () => {
  assert.deepEqual(
    problemsOf(`[[repository."a".upstream]]
url = "https://me:hunter2@example.com"
[[repository."a".upstream]]
url = "http://example.com"
client_certificate = "/own.pem"
password = "hunter2"
max_redirects = 3
connect_timeout_secs = 0
[[repository."a".upstream]]
username = "reader"
token_realms = ["https://auth.example.com"]
allowed_addresses = ["localhost"]`),
    [
      'config.toml:2: repository.a.upstream.1.url: expected a URL such as "https://registry-1.docker.io", without query, ' +
      "user name and password, which go into keys of their own, got a text",
      "config.toml:3: repository.a.upstream.2.username: is missing, expected it beside the password",
      "config.toml:5: repository.a.upstream.2.client_certificate: needs client_private_key beside it",
      "config.toml:5: repository.a.upstream.2.client_certificate: needs a url that begins with https://",
      'config.toml:7: repository.a.upstream.2.max_redirects: unknown key, did you mean "repository.a.upstream.2.max_redirect"?',
      "config.toml:8: repository.a.upstream.2.connect_timeout_secs: expected a whole number from 1 to 3600, got the number 0",
      'config.toml:9: repository.a.upstream.3.url: is missing, expected a URL such as "https://registry-1.docker.io", ' +
      "without query, user name and password, which go into keys of their own",
      "config.toml:9: repository.a.upstream.3.password: is missing, expected password or password_file",
      "config.toml:11: repository.a.upstream.3.token_realms: expected a host name, with a port where it needs one, " +
      'such as "docker.io" or "registry.example.com:5000", got the text "https://auth.example.com"',
      "config.toml:12: repository.a.upstream.3.allowed_addresses: expected an IP address or a network such as " +
      '"10.0.0.1", "10.0.0.0/8" or "fd00::/8", got the text "localhost"',
    ],
  );
});

Deno.test("an upstream written with one pair of brackets is refused in words that say so", () => {
  assert.deepEqual(problemsOf('[repository."a".upstream]\nurl = "https://quay.io"'), [
    "config.toml:1: repository.a.upstream: expected tables [[repository.a.upstream]], each with two brackets, got a table",
  ]);
});

Deno.test("keys of a mirror in a repository that is pushed to are problems", () => {
  assert.deepEqual(problemsOf('[repository."a"]\noffline = true\nrevalidate_after = 0'), [
    "config.toml:2: repository.a.offline: means something only where there is an upstream",
    "config.toml:3: repository.a.revalidate_after: means something only where there is an upstream",
  ]);
});

Deno.test("no two repositories stand for one registry, or for all names without a prefix", () => {
  assert.deepEqual(
    problemsOf(`[repository."a"]
namespace = "docker.io"
unprefixed = true
[repository."b"]
namespace = "DOCKER.io"
unprefixed = true`),
    [
      'config.toml:5: repository.b.namespace: the namespace "docker.io" is that of [repository."a"] already',
      'config.toml:6: repository.b.unprefixed: names without a prefix is that of [repository."a"] already',
    ],
  );
});

Deno.test("an upstream over plain http is a warning, and a louder one with a password", () => {
  const { warnings } = load(`[[repository."a".upstream]]
url = "http://one.example.com"
[[repository."a".upstream]]
url = "http://two.example.com"
username = "u"
password = "p"`);
  assert.deepEqual(warnings.slice(0, 2), [
    "The upstream http://one.example.com speaks plain http: whoever is on the way can move its tags",
    "The upstream http://two.example.com speaks plain http: whoever is on the way can move its tags, and read the password",
  ]);
});
