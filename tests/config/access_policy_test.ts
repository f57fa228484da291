/** Access policies in a configuration: what is read, where each rule stands, and what is wrong with it. */
import assert from "node:assert/strict";
import type { Problem } from "../../src/config/config_error.ts";
import { ConfigError, loadConfig } from "../../src/config/load_config.ts";
import { load, noFile, problemsOf } from "./load_text.ts";

/** The problems themselves, with their columns. */
function faultsOf(text: string, env: Record<string, string> = {}): readonly Problem[] {
  try {
    load(text, { env });
  } catch (fault) {
    if (fault instanceof ConfigError) return fault.problems;
    throw fault;
  }
  return [];
}

Deno.test("loadConfig() reads policies with the place of every rule", () => {
  const { global, repositories } = load(`[global.access_policy]
default_allow = true
rules = [
  # one
  "identity.username == 'a'", 'request.action == "get-blob"',
  """
  identity.id == 'b'
  """,
]
[repository."team"]
access_policy = { rules = ["identity.id == 'c'"] }
[repository."other"]
`);
  const file = "config.toml";
  assert.deepEqual(global.accessPolicy, {
    defaultAllow: true,
    rules: [
      { text: "identity.username == 'a'", file, line: 5, column: 3 },
      { text: 'request.action == "get-blob"', file, line: 5, column: 31 },
      { text: "  identity.id == 'b'\n  ", file, line: 6, column: 3 },
    ],
    file,
    line: 1,
  });
  assert.deepEqual(repositories.map((repository) => repository.accessPolicy), [
    {
      defaultAllow: false,
      rules: [{ text: "identity.id == 'c'", file, line: 11, column: 28 }],
      file,
      line: 11,
    },
    undefined,
  ]);
});

for (
  const [body, expected] of [
    ["", false],
    ["default_allow = false", false],
    ["default_allow = true", true],
    ['default_allow = "${YES}"', true],
    ['default = "deny"', false],
    ['default = "allow"', true],
  ] as const
) {
  Deno.test(`loadConfig() reads a policy of ${JSON.stringify(body)} as one that ${expected ? "allows" : "refuses"}`, () => {
    const policy = load(`[global.access_policy]\n${body}`, { env: { YES: "true" } }).global.accessPolicy;
    assert.deepEqual(policy, { defaultAllow: expected, rules: [], file: "config.toml", line: 1 });
  });
}

Deno.test("loadConfig() takes an empty table for a policy, and no table for none", () => {
  const { global, repositories } = load('[repository."a".access_policy]\n[repository."b"]');
  assert.equal(global.accessPolicy, undefined);
  assert.equal(repositories[0]?.accessPolicy?.defaultAllow, false);
  assert.equal(repositories[1]?.accessPolicy, undefined);
});

Deno.test("loadConfig() replaces the rules of an earlier file whole, and keeps its default", () => {
  const sources = [
    { file: "base.toml", text: "[global.access_policy]\ndefault_allow = true\nrules = ['1', '2 +']" },
    { file: "site.toml", text: "\n[global.access_policy]\nrules = [\"identity.id == 'a'\"]" },
  ];
  const policy = loadConfig(sources, () => undefined, noFile).global.accessPolicy;
  assert.equal(policy?.defaultAllow, true);
  assert.deepEqual(policy.rules, [{ text: "identity.id == 'a'", file: "site.toml", line: 3, column: 10 }]);
});

Deno.test("loadConfig() refuses default beside default_allow, and other words than allow and deny", () => {
  assert.deepEqual(
    problemsOf('[global.access_policy]\ndefault_allow = false\ndefault = "deny"').concat(
      problemsOf('global.access_policy.default = "yes"'),
    ),
    [
      "config.toml:3: global.access_policy.default: stands beside default_allow: write one of the two",
      'config.toml:1: global.access_policy.default: expected "allow" or "deny", got the text "yes"',
    ],
  );
});

Deno.test("loadConfig() refuses what is no list of rules, each element at its place", () => {
  assert.deepEqual(
    problemsOf('global.access_policy.rules = "true"').concat(
      problemsOf("[global.access_policy]\nrules = [\n  1,\n  ['true'],\n  '${UNSET}',\n]"),
    ),
    [
      `config.toml:1: global.access_policy.rules: expected a list of CEL rules such as ["identity.username == 'admin'"], ` +
      'got the text "true"',
      "config.toml:3: global.access_policy.rules: expected a CEL rule in quotation marks, got the number 1",
      "config.toml:4: global.access_policy.rules: expected a CEL rule in quotation marks, got an array",
      "config.toml:5: global.access_policy.rules: the environment variable UNSET is not set",
    ],
  );
});

Deno.test("loadConfig() tells what is wrong with every rule, with what to write instead", () => {
  const problems = problemsOf(`[global.access_policy]
rules = [
  "identity.username == 'a'",
  "identity.usrname == 'a'",
  "identity.username != null",
  "",
]
[repository."a".access_policy]
rules = ["identity.username =="]`);
  assert.deepEqual(problems.map((line) => line.split(": rule ")[0]), [
    "config.toml:4: global.access_policy.rules",
    "config.toml:5: global.access_policy.rules",
    "config.toml:6: global.access_policy.rules",
    "config.toml:9: repository.a.access_policy.rules",
  ]);
  assert.match(problems[0]!, /at position \d+: did you mean .*username/);
  assert.match(problems[1]!, /identity\.username != ''/);
});

for (
  const [what, rules, line, column] of [
    ["a basic string", `["identity.usrname == 'a'"]`, 2, 20],
    ["a literal string", `['identity.usrname == "a"']`, 2, 20],
    ["a string behind escapes", `["\\"a\\" == identity.usrname"]`, 2, 29],
    ["a multi-line string", `["""\nidentity.username == 'b' ||\n  identity.usrname == 'a'"""]`, 4, 12],
    [
      "a multi-line string with an escaped line end",
      `["""\n  identity.id == 'b' || \\\n  identity.usrname == 'a'"""]`,
      4,
      12,
    ],
  ] as const
) {
  Deno.test(`loadConfig() points at the field that it does not know, in ${what}`, () => {
    const [problem, ...others] = faultsOf(`[global.access_policy]\nrules = ${rules}`);
    assert.deepEqual(others, []);
    assert.deepEqual([problem?.line, problem?.column], [line, column], problem?.message);
  });
}

Deno.test("loadConfig() shows a faulty rule as the file has it, without what the environment put there", () => {
  const env = { TEAM: "'secret-team'" };
  const [problem] = faultsOf('global.access_policy.rules = ["${TEAM} == identity.usrname"]', env);
  assert.match(problem!.message, /^rule "\$\{TEAM\} == identity\.usrname": /);
  assert.ok(!problem!.message.includes("secret-team"));
  assert.equal(problem!.column, 31);
});
