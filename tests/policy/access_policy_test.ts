/** One policy: order, modes, and what happens when a rule cannot be judged. */
import assert from "node:assert/strict";
import type { Identity } from "../../src/core/identity.ts";
import type { Operation } from "../../src/core/operation.ts";
import { AccessPolicy } from "../../src/policy/access_policy.ts";
import { checkAccessRule } from "../../src/policy/compile_rule.ts";
import { makeVariables, MOST_LIST_ENTRIES } from "../../src/policy/policy_variables.ts";
import { PolicyError } from "../../src/policy/rule_source.ts";
import { cheapest } from "../harness/cheapest.ts";
import {
  ADMIN,
  allowMode,
  ANONYMOUS,
  decide,
  denyMode,
  DIGEST,
  evaluate,
  pull,
  push,
  removal,
  ruleOf,
  VERSION,
  withCertificate,
} from "./policy_samples.ts";

/** Errors for everybody: a caller sends no number of results. */
const BROKEN = "1 / request.n == 1";

Deno.test("AccessPolicy in deny mode allows by the first rule that is true", () => {
  const source = denyMode("false", "identity.username == 'admin'", "true");
  const decision = decide(source, ADMIN, VERSION);
  assert.deepEqual(decision, { allowed: true, by: "rule", rule: source.rules[1] });
  assert.deepEqual(decide(denyMode("identity.username == 'admin'"), ANONYMOUS, VERSION), {
    allowed: false,
    by: "default",
  });
});

Deno.test("AccessPolicy in allow mode denies by the first rule that is true", () => {
  const source = allowMode("false", "request.action.startsWith('delete-')");
  assert.deepEqual(decide(source, ADMIN, removal("a")), {
    allowed: false,
    by: "rule",
    rule: source.rules[1],
  });
  assert.deepEqual(decide(source, ADMIN, pull("a")), { allowed: true, by: "default" });
});

Deno.test("AccessPolicy without rules decides by its default", () => {
  assert.deepEqual(decide(denyMode(), ADMIN, VERSION), { allowed: false, by: "default" });
  assert.deepEqual(decide(allowMode(), ANONYMOUS, VERSION), { allowed: true, by: "default" });
});

Deno.test("AccessPolicy ends and denies in both modes at a rule that fails", () => {
  for (const source of [denyMode("false", BROKEN, "true"), allowMode("false", BROKEN)]) {
    const decision = decide(source, ADMIN, pull("a"));
    assert.equal(decision.by, "error");
    assert.equal(decision.allowed, false);
    assert.ok(decision.by === "error" && decision.rule === source.rules[1]);
    assert.equal(decision.error, "division by zero");
  }
  assert.equal(
    decide(denyMode("true", BROKEN), ADMIN, pull("a")).allowed,
    true,
    "what stands before it holds",
  );
});

Deno.test("AccessPolicy ends and denies in both modes at a value that is neither true nor false", () => {
  const variables = makeVariables(ADMIN, VERSION, "yes" as unknown as boolean);
  for (const source of [denyMode("has_repository_policy()", "true"), allowMode("has_repository_policy()")]) {
    assert.deepEqual(new AccessPolicy(source).decide(variables), {
      allowed: false,
      by: "error",
      rule: source.rules[0],
      error: "the rule is neither true nor false",
    });
  }
});

Deno.test("AccessPolicy denies what is no variables at all", () => {
  for (const source of [denyMode("true"), allowMode("false")]) {
    const decision = new AccessPolicy(source).decide(undefined as never);
    assert.ok(decision.by === "error" && !decision.allowed);
  }
});

Deno.test("AccessPolicy puts an error on one line without the bytes that a client chose", () => {
  const decision = decide(
    denyMode("int(identity.username) == 1"),
    { ...ADMIN, username: "\x1b[2J\n\u202e" },
    VERSION,
  );
  assert.ok(decision.by === "error");
  assert.match(decision.error, /^[ -~]{1,200}$/);
});

Deno.test("AccessPolicy names every rule that cannot be used", () => {
  assert.throws(() => new AccessPolicy(denyMode("true", "nope", "identity.username")), (fault) => {
    assert.ok(fault instanceof PolicyError);
    assert.deepEqual(fault.problems.map(({ rule }) => rule.line), [3, 4]);
    assert.equal(fault.message.split("\n").length, 2);
    return true;
  });
});

Deno.test("AccessPolicy denies whoever brings lists that are too long", () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `name-${i}`);
  for (const source of [denyMode("true"), allowMode("false")]) {
    const most = withCertificate({ commonNames: names(MOST_LIST_ENTRIES) });
    assert.equal(decide(source, most, VERSION).allowed, true);
    for (
      const [field, name] of [
        ["commonNames", "common_names"],
        ["organizations", "organizations"],
        ["organizationalUnits", "organizational_units"],
        ["dnsNames", "dns_names"],
        ["emails", "emails"],
        ["uris", "uris"],
        ["issuerCommonNames", "issuer_common_names"],
      ] as const
    ) {
      const decision = decide(source, withCertificate({ [field]: names(MOST_LIST_ENTRIES + 1) }), VERSION);
      assert.ok(decision.by === "error" && !decision.allowed);
      assert.match(decision.error, new RegExp(`^identity.certificate.${name} has 129 entries`));
    }
    assert.equal(decide(source, ADMIN, push("a", "v1", names(MOST_LIST_ENTRIES + 1))).by, "error");
  }
});

Deno.test("the rules of the original's documents decide as they say", () => {
  const infra = withCertificate({ organizations: ["Infrastructure"], commonNames: ["build-server"] });
  const ci = withCertificate({ commonNames: ["ci-7"] });
  const rows: [rule: string, yes: [Identity, Operation?], no: [Identity, Operation?]][] = [
    ["identity.username == 'admin' || identity.id == 'ci'", [{ ...ANONYMOUS, id: "ci" }], [ANONYMOUS]],
    ["identity.certificate.organizations.contains('Infrastructure')", [infra], [ci]],
    ["'build-server' in identity.certificate.common_names", [infra], [ci]],
    ["size(identity.certificate.common_names) > 0", [ci], [ADMIN]],
    ["identity.certificate.common_names.exists(cn, cn.startsWith('ci-'))", [ci], [infra]],
    ["request.action.startsWith('get-') || request.action == 'list-tags'", [ANONYMOUS, pull("a")], [
      ANONYMOUS,
      push("a"),
    ]],
    ["request.action in ['get-api-version', 'get-manifest', 'get-blob']", [ANONYMOUS, pull("a")], [
      ANONYMOUS,
      push("a"),
    ]],
    ["request.namespace.startsWith('dev/')", [ANONYMOUS, pull("dev/a")], [ANONYMOUS, pull("prod/a")]],
    ["has(request.digest) && 'latest' in request.tags", [ANONYMOUS, push("a", DIGEST, ["latest"])], [
      ANONYMOUS,
      push("a", "latest"),
    ]],
  ];
  for (const [rule, yes, no] of rows) {
    assert.equal(evaluate(rule, ...yes), true, rule);
    assert.equal(evaluate(rule, ...no), false, rule);
  }
  for (
    const rule of [
      "identity.username != null",
      "identity.oidc != null && identity.oidc.claims['repository'].startsWith('myorg/')",
      "identity.oidc != null && identity.oidc.claims['ref'] == 'refs/heads/main' && request.action.startsWith('put-')",
      "identity.oidc != null && identity.oidc.claims['actor'] in ['alice', 'bob']",
      "image.tag == 'latest'",
      "image.tag != null && image.tag.matches('^v?[0-9]+\\\\.[0-9]+\\\\.[0-9]+$')",
      "image.pushed_at > now() - days(30)",
      "image.last_pulled_at > now() - days(7)",
      "top_pushed(10)",
      "top_pulled(5)",
    ]
  ) assert.ok(checkAccessRule(ruleOf(rule))?.hint, rule);
});

Deno.test("AccessPolicy decides in microseconds", async () => {
  const policy = new AccessPolicy(denyMode(
    "identity.username == 'root'",
    "identity.certificate.organizations.contains('Nobody')",
    "identity.certificate.common_names.exists(cn, cn.startsWith('never-'))",
    "request.namespace.matches('^dev/[a-z]+$') && has(request.digest)",
    "request.action in ['delete-manifest', 'delete-blob']",
  ));
  const identity = withCertificate({ commonNames: ["a", "b"], organizations: ["X"] });
  const operation = pull("dev/app");
  // Milliseconds for a thousand are microseconds for one; the first ones warm up.
  for (let i = 0; i < 10_000; i++) policy.decide(makeVariables(identity, operation));
  const us = await cheapest(() => {
    for (let i = 0; i < 1000; i++) policy.decide(makeVariables(identity, operation));
  }, 10);
  assert.ok(us < 10, `${us} us`);
});
