import assert from "node:assert/strict";
import { AccessPolicies } from "../../src/policy/access_policies.ts";
import type { PolicySource } from "../../src/policy/rule_source.ts";
import type { AuthorizationHook } from "../../src/ports/authorization_hook.ts";
import { AccessControl } from "../../src/registry/access_control.ts";
import { makeModelRegistry, SOME_CALLER } from "../model/model_registry.ts";
import { CATALOG, pull } from "../policy/policy_samples.ts";

function policy(...rules: string[]): PolicySource {
  const places = rules.map((text, i) => ({ text, file: "config.toml", line: 7, column: 10 + i }));
  return { defaultAllow: false, rules: places, file: "config.toml", line: 6 };
}

function setUp(global: PolicySource, allows = true) {
  const { lines, log } = makeModelRegistry();
  const asked: string[] = [];
  const webhook: AuthorizationHook = {
    decide: (_, { action }) => {
      asked.push(action);
      return Promise.resolve({ allowed: allows, reason: "the webhook says so", decidedBy: "webhook guard" });
    },
  };
  const named: (string | undefined)[] = [];
  const control = new AccessControl({
    policies: new AccessPolicies({ global, repositories: [] }),
    webhookFor: (repository) => {
      named.push(repository);
      return repository === "unguarded" ? undefined : webhook;
    },
    log,
  });
  return { asked, control, lines, named };
}

Deno.test("what the policies forbid is not put to the webhook", async () => {
  const { asked, control } = setUp(policy("request.action == 'list-catalog'"));
  const verdict = await control.decide(SOME_CALLER, pull("app"));
  assert.equal(verdict.allowed, false);
  assert.match(verdict.reason, /^no rule of the global access policy allows get-manifest/);
  assert.equal(verdict.decidedBy, undefined);
  assert.deepEqual(asked, []);
});

Deno.test("what the policies allow is allowed by the webhook too, or not at all", async () => {
  for (const allows of [true, false]) {
    const { asked, control, named } = setUp(policy("true"), allows);
    const verdict = { allowed: allows, reason: "the webhook says so", decidedBy: "webhook guard" };
    assert.deepEqual(await control.decide(SOME_CALLER, pull("team/app")), verdict);
    assert.deepEqual(await control.decide(SOME_CALLER, CATALOG), verdict);
    assert.deepEqual(asked, ["get-manifest", "list-catalog"]);
    assert.deepEqual(named, ["team/app", undefined]);
  }
});

Deno.test("where no webhook holds the policies have the last word, and name the rule", async () => {
  const { asked, control } = setUp(policy("false", "true"), false);
  const { allowed, decidedBy } = await control.decide(SOME_CALLER, pull("unguarded"));
  assert.deepEqual([allowed, decidedBy, asked], [true, "config.toml:7", []]);
});

Deno.test("a rule that cannot be judged denies, and is logged once, each rule of a line for itself", async () => {
  const first = "identity.certificate.common_names[0] == 'alice'";
  const second = "identity.certificate.organizations[0] == 'ops'";
  const { asked, control, lines } = setUp(policy(`request.action == 'get-manifest' && ${first}`, second));
  for (let i = 0; i < 3; i++) {
    for (const operation of [pull("app"), pull("other"), CATALOG]) {
      const { allowed, reason, decidedBy } = await control.decide(SOME_CALLER, operation);
      assert.deepEqual([allowed, decidedBy], [false, "config.toml:7"]);
      assert.match(reason, /could not be judged/);
      assert.doesNotMatch(reason, /common_names|organizations/);
    }
  }
  assert.deepEqual(asked, []);
  assert.deepEqual(lines.map(({ level, message, fields }) => [level, message, fields!["rule"]]), [
    ["error", "an access rule could not be judged", "config.toml:7"],
    ["error", "an access rule could not be judged", "config.toml:7"],
  ]);
});
