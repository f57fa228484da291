/** `policy test`: what it prints for callers and requests, and which exit code it means. */
import assert from "node:assert/strict";
import { testPolicy } from "../../../src/cli/commands/policy_test.ts";
import { UsageError } from "../../../src/cli/usage.ts";
import type { Settings } from "../../../src/config/settings.ts";
import { type MadeCertificate, makeAuthority, makeClient } from "../../auth/certificate_factory.ts";
import { load } from "../../config/load_text.ts";

const PHC =
  "$argon2id$v=19$m=19456,t=2,p=1$/KcdfKzuJRKWuvmIZgqKyA$xHQSfv6QbalemqkQa4To+XIcQ6bq4c2M9OIznuePk3c";

const SETTINGS = load(`
[auth.identity.robot]
username = "ci"
password = "${PHC}"

[global.access_policy]
rules = [
  "identity.username == 'ci'",
  "request.action.startsWith('get-') && identity.client_ip.startsWith('10.')",
]

[repository."prod".access_policy]
rules = ["request.tags.exists(t, t.startsWith('v')) || request.action != 'put-manifest'"]
`);

const test = (...args: string[]) => testPolicy(args, SETTINGS, new Date());

Deno.test("policy test names the rule that allows, with its file and line", async () => {
  const { allowed, text } = await test("--user", "ci", "--action", "get-blob", "--repository", "dev/app");
  assert.ok(allowed);
  assert.match(text, /^allow\nbecause a rule of the global access policy allows get-blob in "dev\/app"\n/);
  assert.match(text, /rule at config\.toml:8: identity\.username == 'ci'/);
});

Deno.test("policy test shows every variable as the rules see it", async () => {
  const { text } = await test(
    "--user=ci",
    "--ip=10.1.2.3",
    "--action=put-manifest",
    "--repository=prod",
    "--reference=v1",
  );
  for (
    const line of [
      "identity.username = 'ci'",
      "identity.id = 'robot'",
      "identity.client_ip = '10.1.2.3'",
      "identity.certificate.common_names = []",
      "request.action = 'put-manifest'",
      "request.repository = 'prod'",
      "request.tags = ['v1']",
      "has_repository_policy() = true",
    ]
  ) assert.ok(text.includes(`  ${line}\n`), line);
});

Deno.test("policy test --json gives programs the decision, the rule and the variables of each operation", async () => {
  const { allowed, text } = await test(
    "--user=ci",
    "--as-if-request",
    "docker pull registry:5000/dev/app:v1",
    "--json",
  );
  const answer = JSON.parse(text);
  assert.ok(allowed && answer.allowed);
  const pull = answer.operations.find(({ action }: { action: string }) => action === "get-manifest");
  assert.deepEqual(pull.rule, { place: "config.toml:8", text: "identity.username == 'ci'" });
  assert.deepEqual([pull.repository, pull.reference, pull.allowed, pull.optional], [
    "dev/app",
    "v1",
    true,
    false,
  ]);
  assert.equal(pull.variables["identity.username"], "'ci'");

  const denied = await test("--anonymous", "--action=list-catalog", "--json");
  assert.deepEqual([denied.allowed, JSON.parse(denied.text).allowed], [false, false]);
});

Deno.test("policy test denies what the repository's own policy does not allow", async () => {
  const { allowed, text } = await test(
    "--user",
    "ci",
    "--action",
    "put-manifest",
    "--repository",
    "prod",
    "--reference",
    "latest",
  );
  assert.ok(!allowed);
  assert.match(
    text,
    /^deny\nbecause no rule of the access policy of repository "prod" allows put-manifest in "prod"\n/,
  );
});

Deno.test("policy test tells an anonymous caller by its address", async () => {
  const pull = ["--action", "get-manifest", "--repository", "app", "--reference", "latest"];
  assert.ok((await test("--anonymous", "--ip", "10.0.0.1", ...pull)).allowed);
  assert.ok(!(await test("--anonymous", ...pull)).allowed);
});

Deno.test("policy test judges each request of a push, and forgives those that clients go on without", async () => {
  const settings = load(`
[global.access_policy]
rules = ["request.action in ['get-api-version', 'start-upload', 'update-upload', 'complete-upload', 'get-manifest', 'put-manifest']"]
`);
  const { allowed, text } = await testPolicy(
    ["--anonymous", "--as-if-request", "docker push registry.example.com:5000/prod/app:v1"],
    settings,
    new Date(),
  );
  assert.ok(allowed);
  assert.match(text, /^deny {3}get-blob: .*; clients go on without it$/m);
  assert.match(text, /^deny {3}mount-blob: .*; clients go on without it$/m);
  assert.match(
    text,
    /^allow {2}put-manifest v1: a rule of the global access policy allows put-manifest in "prod\/app" /m,
  );
  assert.match(text, /\nallow\n$/);
});

Deno.test("policy test denies a pull when one request of it is denied", async () => {
  const settings = load(`[global.access_policy]\nrules = ["request.action != 'get-blob'"]`);
  const { allowed, text } = await testPolicy(
    ["--anonymous", "--as-if-request", "podman pull app@sha256:" + "a".repeat(64)],
    settings,
    new Date(),
  );
  assert.ok(!allowed);
  assert.match(text, /^deny {3}get-blob: /m);
});

for (
  const [what, args, message] of [
    ["nobody to ask as", ["--action", "list-catalog"], /say who asks/],
    [
      "somebody and nobody at once",
      ["--anonymous", "--user", "ci", "--action", "list-catalog"],
      /say who asks/,
    ],
    ["nothing to ask", ["--anonymous"], /say what is asked/],
    [
      "two things to ask",
      ["--anonymous", "--action", "list-catalog", "--as-if-request", "docker pull a"],
      /say what is asked/,
    ],
    ["an unknown action", ["--anonymous", "--action", "put-blob"], /unknown action "put-blob"/],
    ["a missing repository", ["--anonymous", "--action", "get-blob"], /get-blob needs --repository/],
    [
      "an unknown user",
      ["--user", "eve", "--action", "list-catalog"],
      /no \[auth\.identity\.\*\] has the user name "eve"; configured: ci/,
    ],
    [
      "a certificate without client CAs",
      ["--cert", "x.pem", "--action", "list-catalog"],
      /no client_ca_bundle/,
    ],
    [
      "a command that is neither push nor pull",
      ["--anonymous", "--as-if-request", "docker run app"],
      /cannot read "docker run app"/,
    ],
    [
      "a name that is none, which no policy denies",
      ["--anonymous", "--action", "get-blob", "--repository", "Prod"],
      /^Cannot use repository name "Prod"/,
    ],
    [
      "a name that is none in a command",
      ["--anonymous", "--as-if-request", "docker pull prod:.x"],
      /^Cannot use tag "\.x"/,
    ],
    [
      "an address that is none",
      ["--anonymous", "--ip", "10.0.0.300", "--action", "list-catalog"],
      /^--ip "10\.0\.0\.300" is no IP address, nor "unix"$/,
    ],
    ["an unknown option", ["--anonymos"], /unknown option --anonymos/],
    ["an option twice", ["--user", "ci", "--user", "ci"], /--user is there twice/],
    ["an option without its value", ["--action"], /--action needs a value/],
  ] as const
) {
  Deno.test(`policy test refuses ${what}`, async () => {
    await assert.rejects(
      test(...args),
      (error: Error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

Deno.test("policy test gives addresses to rules in the form of the server", async () => {
  for (
    const [given, seen] of [["2001:DB8:0::1", "2001:db8::1"], ["::ffff:10.0.0.1", "10.0.0.1"], [
      "unix",
      "unix",
    ]] as const
  ) {
    const { text } = await test("--anonymous", "--ip", given, "--action", "list-catalog");
    assert.ok(text.includes(`identity.client_ip = '${seen}'`), given);
  }
});

Deno.test("policy test verifies a certificate as the server would, and says why one is refused", async () => {
  const [ours, theirs] = [makeAuthority({ subject: "Ours" }), makeAuthority({ subject: "Theirs" })];
  const folder = await Deno.makeTempDir();
  try {
    const settings = settingsTrusting(ours);
    const ask = async (client: MadeCertificate) => {
      await Deno.writeTextFile(`${folder}/client.pem`, client.pem);
      return await testPolicy(
        ["--cert", `${folder}/client.pem`, "--action", "list-catalog"],
        settings,
        new Date(),
      );
    };
    const subject = { subject: [["O", "Infra"], ["CN", "bob"]] as [string, string][] };
    const { allowed, text } = await ask(makeClient(ours, subject));
    assert.ok(allowed);
    assert.match(text, /identity\.certificate\.organizations = \['Infra'\]/);
    await assert.rejects(
      ask(makeClient(theirs, subject)),
      /client\.pem: client certificate refused: .*Theirs/,
    );
    for (
      const [name, fault] of [["missing.pem", /No such file/], [
        "empty.pem",
        /holds no PEM block CERTIFICATE/,
      ]] as const
    ) {
      await Deno.writeTextFile(`${folder}/empty.pem`, "");
      await assert.rejects(
        testPolicy(["--cert", `${folder}/${name}`, "--action", "list-catalog"], settings, new Date()),
        (error: Error) => error instanceof UsageError && fault.test(error.message),
      );
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

function settingsTrusting(authority: MadeCertificate): Settings {
  const settings = load(
    `[global.access_policy]\nrules = ["identity.certificate.organizations.contains('Infra')"]`,
  );
  const clientAuth = {
    caBundle: authority.pem,
    caBundleFile: "ca.pem",
    required: false,
    crls: [],
    crlFiles: [],
    crlMissing: "deny",
    crlExpired: "deny",
    advertiseCas: false,
  } as const;
  const minimumVersion = "1.2" as const;
  const tls = {
    minimumVersion,
    certificate: "",
    privateKey: "",
    certificateFile: "",
    privateKeyFile: "",
    clientAuth,
  };
  return { ...settings, server: { ...settings.server, tls } };
}
