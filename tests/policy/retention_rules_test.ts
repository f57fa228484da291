/** Retention rules: what they see, what they mean, and how a slip in one is told. */
import assert from "node:assert/strict";
import { checkRule } from "../../src/policy/compile_rule.ts";
import { type ImageFacts, ImageVariables } from "../../src/policy/image_variables.ts";
import { RetentionPolicies } from "../../src/policy/retention_policies.ts";
import { RETENTION_RULES } from "../../src/policy/retention_rules.ts";
import { SemanticVersion } from "../../src/core/semantic_version.ts";
import type { RuleSource } from "../../src/policy/rule_source.ts";

const NOW = 1_700_000_000;
const DAY = 86_400;

const IMAGE: ImageFacts = {
  tag: "v1.4.2",
  repository: "team/app",
  digest: `sha256:${"0".repeat(64)}`,
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  artifactType: "",
  size: 5_000_000,
  annotations: new Map([["keep", "yes"]]),
  pushedAt: NOW - 10 * DAY,
  lastPulledAt: NOW - 2 * DAY,
  pulledCount: 7,
  pushedRank: 3,
  pulledRank: 0,
};

function source(text: string): RuleSource {
  return { text, file: "test.toml", line: 1, column: 1 };
}

function judge(text: string, facts: Partial<ImageFacts> = {}) {
  const policy = new RetentionPolicies({ global: [source(text)], repositories: [] }).find("team/app")!;
  return policy.judge(new ImageVariables({ ...IMAGE, ...facts }, { now: BigInt(NOW) }));
}

for (
  const [text, expected] of [
    ["image.tag == 'latest'", false],
    ["image.tag != '' && image.tag.matches('^v?[0-9]+\\\\.[0-9]+\\\\.[0-9]+$')", true],
    ["image.pushed_at > now() - days(30)", true],
    ["image.pushed_at > now() - days(9)", false],
    ["image.pushed_at > now() - hours(241)", true],
    ["image.last_pulled_at > now() - minutes(2881)", true],
    ["image.last_pulled_at > now() - days(7)", true],
    ["top_pushed(3)", false],
    ["top_pushed(4)", true],
    ["top_pushed(-1)", false],
    ["top_pulled(1)", true],
    ["image.namespace.startsWith('team/') && image.repository == image.namespace", true],
    ["image.digest.startsWith('sha256:')", true],
    ["image.size > 4000000 && image.size < 6000000", true],
    ["image.media_type.contains('oci')", true],
    ["image.artifact_type == ''", true],
    ["image.annotations['keep'] == 'yes'", true],
    ["image.annotations['other'] == ''", true],
    ["image.pulled_count >= 7", true],
    ["semver(image.tag) >= semver('1.4') && semver(image.tag) < semver('2')", true],
    ["semver(image.tag).major == 1 && semver(image.tag).minor == 4", true],
    ["semver(image.tag) == semver('v1.4.2')", true],
    ["is_semver(image.tag)", true],
    ["image.pushed_at > now() - days(9223372036854775807)", true],
  ] as const
) {
  Deno.test(`the retention rule ${text} is ${expected} of an image pushed 10 days ago`, () => {
    assert.equal(judge(text).keeps, expected);
    assert.equal("error" in judge(text), false);
  });
}

Deno.test("a manifest without a tag has none of the ranks and an empty tag, and a version that compares to nothing", () => {
  const untagged = { tag: "", pushedRank: undefined, pulledRank: undefined };
  for (
    const text of [
      "top_pushed(100)",
      "top_pulled(100)",
      "image.tag != ''",
      "semver(image.tag) >= semver('0')",
    ]
  ) {
    assert.deepEqual(judge(text, untagged), { keeps: false }, text);
  }
});

Deno.test("a rule that cannot be judged keeps, and says why", () => {
  const verdict = judge("image.size / (image.pulled_count - 7) > 1");
  assert.equal(verdict.keeps, true);
  assert.match((verdict as { error: string }).error, /zero/);
});

for (
  const [text, message] of [
    ["image.tag != null", "image.tag is never null: write image.tag != ''"],
    ["image.tga == 'x'", 'image has no field "tga": did you mean image.tag?'],
    [
      "identity.username == 'x'",
      "identity belongs to access policies, retention rules do not have it: retention rules see image",
    ],
    ["image.pushed_at > '2020'", "\">\" cannot compare int with string: a string stands in quotes, '...'"],
    [
      "image.last_pulled_at",
      "a rule is a condition, and this is of type int: write image.last_pulled_at > 0",
    ],
    ["semver('latest') < semver(image.tag)", "\"latest\" is no version: write e.g. semver('1.4.0')"],
    [
      "'a' in image.annotations",
      "an annotation is asked for by its name: write image.annotations['a'] != ''",
    ],
    ["top_pushed()", "top_pushed() takes 1 argument, not 0"],
    ["tag == 'x'", 'unknown variable "tag": write image.tag'],
    ["image.tag.matches('(')", "the pattern is not in RE2 syntax, missing closing ): `(`"],
  ] as const
) {
  Deno.test(`the retention rule ${text} is refused when it is read: ${message}`, () => {
    const problem = checkRule(source(text), RETENTION_RULES);
    assert.equal(`${problem?.message}${problem?.hint === undefined ? "" : `: ${problem.hint}`}`, message);
  });
}

Deno.test("rules of a repository are asked after the global ones, which hold there too", () => {
  const policies = new RetentionPolicies({
    global: [source("image.tag == 'latest'")],
    repositories: [{ name: "team", rules: [source("top_pushed(5)")] }, { name: "free", rules: [] }],
  });
  assert.deepEqual(policies.find("team/app")?.rules.map(({ text }) => text), [
    "image.tag == 'latest'",
    "top_pushed(5)",
  ]);
  assert.deepEqual(policies.find("free")?.rules.length, 1);
  assert.equal(
    new RetentionPolicies({ global: [], repositories: [{ name: "a", rules: [] }] }).find("a"),
    undefined,
  );
});

Deno.test("versions are ordered as semver.org says", () => {
  const ordered =
    "0 0.9 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1 v1.2 1.10 2.0.0_build"
      .split(" ").map((text) => new SemanticVersion(text));
  for (const [i, one] of ordered.entries()) {
    for (const [j, other] of ordered.entries()) assert.equal(Math.sign(one.compare(other)), Math.sign(i - j));
  }
  for (const text of ["latest", "", "v", "1.2.3.4", "1.2.x", `1.${"9".repeat(200)}`]) {
    assert.ok(Number.isNaN(new SemanticVersion(text).compare(new SemanticVersion("1"))), text);
  }
});
