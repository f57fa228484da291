/** matches(): RE2 syntax, linear time. */
import assert from "node:assert/strict";
import { AccessPolicy } from "../../src/policy/access_policy.ts";
import { checkAccessRule } from "../../src/policy/compile_rule.ts";
import { makeVariables } from "../../src/policy/policy_variables.ts";
import { cheapest } from "../harness/cheapest.ts";
import { ADMIN, denyMode, evaluate, pull, ruleOf } from "./policy_samples.ts";

Deno.test("matches() searches anywhere unless the pattern says otherwise", () => {
  assert.equal(evaluate("'v1.20.3'.matches('^v?[0-9]+\\\\.[0-9]+\\\\.[0-9]+$')"), true);
  assert.equal(evaluate("'release-1'.matches('[0-9]')"), true);
  assert.equal(evaluate("'release-1'.matches('^[0-9]')"), false);
  assert.equal(evaluate("'RELEASE'.matches('(?i)^release$')"), true);
  assert.equal(evaluate("''.matches('')"), true);
});

Deno.test("matches() takes no longer for patterns that make others backtrack", async () => {
  for (
    const [pattern, text] of [
      ["^(a+)+$", "a".repeat(30) + "!"],
      ["^(a|a)*$", "a".repeat(200) + "!"],
      ["(x*)*y", "x".repeat(255)],
      ["(.*)(.*)(.*)(.*)(.*)z", "a".repeat(255)],
    ]
  ) {
    const policy = new AccessPolicy(denyMode(`identity.username.matches('${pattern}')`));
    const variables = makeVariables({ ...ADMIN, username: text! }, pull("a"));
    const ms = await cheapest(() => assert.equal(policy.decide(variables).by, "default"), 5);
    assert.ok(ms < 5, `${pattern} took ${ms} ms`);
  }
});

Deno.test("matches() takes a literal pattern that RE2 can compile", () => {
  for (
    const [pattern, message] of [
      ["'('", "not in RE2 syntax, missing closing"],
      ["'(?=a)'", "not in RE2 syntax"],
      ["r'\\1'", "not in RE2 syntax"],
      ["'a{1001}'", "not in RE2 syntax"],
      ["'((a{100}){100}){100}'", "not in RE2 syntax"],
      ["'[a-z]{900}[0-9]{900}[a-z]{900}'", "too costly"],
      [`'${"a".repeat(1001)}'`, "1001 characters, at most 1000"],
      ["request.namespace", "takes a pattern in quotes"],
      ["'a' + 'b'", "takes a pattern in quotes"],
    ]
  ) {
    const problem = checkAccessRule(ruleOf(`identity.username.matches(${pattern})`));
    assert.ok(problem?.message.includes(message!), `${pattern}: ${problem?.message}`);
    assert.equal(problem?.position, 27, pattern);
  }
});
