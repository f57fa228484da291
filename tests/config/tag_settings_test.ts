/** Which tags a configuration makes immutable, and the patterns that it may use. */
import assert from "node:assert/strict";
import { makeRepositoryRules } from "../../src/cli/repository_rules.ts";
import { parseRepositoryName } from "../../src/core/repository_name.ts";
import { parseTag } from "../../src/core/tag.ts";
import { load, problemsOf } from "./load_text.ts";

function isImmutable(config: string, name: string): boolean {
  const [repository, tag] = name.split(":") as [string, string];
  return makeRepositoryRules(load(config))(parseRepositoryName(repository)).isImmutable(parseTag(tag));
}

const CONFIG = `
[global]
immutable_tags_exclusions = ["latest", "dev-.*", "a|b"]
[repository."team"]
immutable_tags = true
[repository."prod"]
immutable_tags = true
immutable_tags_exclusions = ["nightly"]`;

for (
  const [name, expected] of [
    ["team:v1", true],
    ["team/app:v1", true],
    ["teams:v1", false],
    ["other:v1", false],
    ["team:latest", false],
    ["team:latest-1", true],
    ["team:my-latest", true],
    ["team:dev-1", false],
    ["team:b", false],
    ["team:bb", true],
    ["prod:nightly", false],
    ["prod:latest", true],
  ] as const
) {
  Deno.test(`a pattern stands for whole tags, and a repository covers what lies below: ${name} is ${expected ? "" : "not "}immutable`, () => {
    assert.equal(isImmutable(CONFIG, name), expected);
  });
}

Deno.test("a repository cannot lift what [global] says of its tags", () => {
  const config = '[global]\nimmutable_tags = true\n[repository."a"]\nimmutable_tags = false';
  assert.equal(isImmutable(config, "a:v1"), true);
});

Deno.test("loadConfig() tells which pattern of tags cannot be used, and why", () => {
  assert.deepEqual(problemsOf('[global]\nimmutable_tags_exclusions = ["ok", "v(1"]'), [
    'config.toml:2: global.immutable_tags_exclusions: pattern "v(1": the pattern is not in RE2 syntax, missing closing ): `v(1`',
  ]);
  const [costly] = problemsOf(
    `[repository.a]\nimmutable_tags_exclusions = ["${"(a{500}b{500})".repeat(20)}"]`,
  );
  assert.match(costly!, /is too costly/);
});

Deno.test("a pattern that would make other engines backtrack for hours is judged at once", () => {
  const config = '[global]\nimmutable_tags = true\nimmutable_tags_exclusions = ["(a+)+"]';
  assert.equal(isImmutable(config, `a:${"a".repeat(120)}-b`), true);
});

Deno.test("a retention rule is told by file, line and column, and one about pulls that are not counted is refused", () => {
  assert.deepEqual(
    problemsOf(`[global]
update_pull_time = false
[global.retention_policy]
rules = ["image.tga == 'a'", "top_pulled(3)"]
[repository.a.retention_policy]
rules = ["identity.username == 'a'"]`),
    [
      `config.toml:4: global.retention_policy.rules: rule "image.tga == 'a'": image has no field "tga" at position 7: did you mean image.tag?`,
      'config.toml:4: global.retention_policy.rules: rule "top_pulled(3)" asks for pulls, which update_pull_time = false ' +
      "leaves unknown: remove one of the two",
      `config.toml:6: repository.a.retention_policy.rules: rule "identity.username == 'a'": identity belongs to access ` +
      "policies, retention rules do not have it at position 1: retention rules see image",
    ],
  );
});
