/** The rules and the configurations that the documents of the original show. */
import assert from "node:assert/strict";
import { load, problemsOf } from "./load_text.ts";
import { makeKeyPair } from "./make_key_pair.ts";

const ACCESS_RULES = [
  `identity.username == 'admin' || identity.id == 'ci'`,
  `identity.certificate.organizations.contains('Infrastructure')`,
  `'build-server' in identity.certificate.common_names`,
  `size(identity.certificate.common_names) > 0`,
  `identity.certificate.common_names.exists(cn, cn.startsWith('ci-'))`,
  `request.action.startsWith('get-') || request.action == 'list-tags'`,
  `request.action in ['get-api-version', 'get-manifest', 'get-blob']`,
  `request.namespace.startsWith('dev/')`,
  `has(request.digest) && 'latest' in request.tags`,
  `request.action == 'get-api-version' || has_repository_policy()`,
  `identity.username != '' && request.action.startsWith('get-')`,
];

for (const rule of ACCESS_RULES) {
  Deno.test(`loadConfig() takes the documented rule ${rule}`, () => {
    const policy = load(`global.access_policy.rules = [${JSON.stringify(rule)}]`).global.accessPolicy;
    assert.equal(policy?.rules[0]?.text, rule);
  });
}

for (
  const [rule, expected] of [
    [`identity.username != null`, /identity\.username != ''/],
    [`identity.oidc != null && identity.oidc.claims['repository'].startsWith('myorg/')`, /oidc/i],
    [
      `identity.oidc != null && identity.oidc.claims['ref'] == 'refs/heads/main' && request.action.startsWith('put-')`,
      /oidc/i,
    ],
    [`identity.oidc != null && identity.oidc.claims['actor'] in ['alice', 'bob']`, /oidc/i],
    [`image.tag == 'latest'`, /retention/],
    [`image.tag != null && image.tag.matches('^v?[0-9]+\\\\.[0-9]+\\\\.[0-9]+$')`, /retention/],
    [`image.pushed_at > now() - days(30)`, /retention/],
    [`image.last_pulled_at > now() - days(7)`, /retention/],
    [`top_pushed(10)`, /retention/],
    [`top_pulled(5)`, /retention/],
  ] as const
) {
  Deno.test(`loadConfig() refuses ${rule} as an access rule, with a reason`, () => {
    const [problem, ...others] = problemsOf(`global.access_policy.rules = [${JSON.stringify(rule)}]`);
    assert.deepEqual(others, []);
    assert.match(problem!, /^config\.toml:1: global\.access_policy\.rules: rule /);
    assert.match(problem!.slice(problem!.lastIndexOf(`": `)), expected);
  });
}

const SERVER = `[server]
bind_address = "0.0.0.0"
port = 5000

[server.tls]
server_certificate_bundle = "/tls/server-certificate.pem"
server_private_key = "/tls/server-private-key.pem"
client_ca_bundle = "/tls/client-ca-bundle.pem"
`;

const SCENARIOS = {
  "certificates in access policies": `[global.access_policy]
default_allow = false
rules = [
  # Allow clients with specific organization
  "identity.certificate.organizations.contains('Infrastructure')",

  # Allow specific common name
  "'build-server' in identity.certificate.common_names",

  # Combine with other auth methods
  "identity.username == 'admin'"
]
`,
  "a certificate is required": `[global.access_policy]
default_allow = false
rules = [
  "size(identity.certificate.common_names) > 0"
]
`,
  "a certificate is optional": `[global.access_policy]
default_allow = false
rules = [
  # Certificate grants full access
  "identity.certificate.organizations.contains('DevOps')",

  # Basic auth for read-only
  "identity.username != '' && request.action.startsWith('get-')"
]
`,
  "different organizations, different access": `# Developers can push to dev repo
[repository."dev".access_policy]
default_allow = false
rules = [
  "identity.certificate.organizations.contains('Developers')"
]

# Only platform team can push to production
[repository."prod".access_policy]
default_allow = false
rules = [
  "identity.certificate.organizations.contains('Platform')"
]
`,
};

for (const [scenario, text] of Object.entries(SCENARIOS)) {
  Deno.test(`loadConfig() takes the how-to's configuration, ${scenario}, word for word`, async () => {
    const { certificate, key } = await makeKeyPair("ec", "-pkeyopt", "ec_paramgen_curve:P-256");
    const settings = load(SERVER + "\n" + text, {
      files: {
        "/tls/server-certificate.pem": certificate,
        "/tls/server-private-key.pem": key,
        "/tls/client-ca-bundle.pem": certificate,
      },
    });
    const policies = [settings.global, ...settings.repositories].flatMap((scope) => scope.accessPolicy ?? []);
    const written = text.match(/^ {2}"/gm)?.length;
    assert.equal(policies.reduce((sum, policy) => sum + policy.rules.length, 0), written);
    assert.ok(policies.every((policy) => !policy.defaultAllow));
    assert.deepEqual(settings.warnings, []);
    assert.deepEqual(structuredClone(settings), settings);
  });
}
