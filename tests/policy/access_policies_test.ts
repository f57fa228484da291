/** The order of policies, and the three set-ups of the how-to "Configure mTLS". */
import assert from "node:assert/strict";
import type { Identity } from "../../src/core/identity.ts";
import type { Operation } from "../../src/core/operation.ts";
import { parseRepositoryName } from "../../src/core/repository_name.ts";
import { type AccessDecision, AccessPolicies } from "../../src/policy/access_policies.ts";
import { PolicyError, type PolicySource } from "../../src/policy/rule_source.ts";
import {
  ADMIN,
  allowMode,
  ANONYMOUS,
  CATALOG,
  denyMode,
  pull,
  push,
  removal,
  VERSION,
  withCertificate,
} from "./policy_samples.ts";

function policies(
  global: PolicySource | undefined,
  repositories: Record<string, PolicySource | undefined> = {},
) {
  return new AccessPolicies({
    ...(global !== undefined && { global }),
    repositories: Object.entries(repositories).map(([name, policy]) => {
      return { name: parseRepositoryName(name), ...(policy !== undefined && { policy }) };
    }),
  });
}

function expect(
  all: AccessPolicies,
  identity: Identity,
  operation: Operation,
  allowed: boolean,
): AccessDecision {
  const decision = all.decide(identity, operation);
  assert.equal(decision.allowed, allowed, JSON.stringify({ identity, operation, decision }));
  return decision;
}

Deno.test("AccessPolicies asks the global policy first, and a repository's can only narrow it", () => {
  const all = policies(denyMode("identity.username == 'admin'"), {
    prod: denyMode("request.action == 'get-manifest'"),
  });
  const allowed = expect(all, ADMIN, pull("prod/app"), true);
  assert.deepEqual(allowed.scope, { kind: "repository", name: "prod" });
  assert.equal(allowed.rule?.text, "request.action == 'get-manifest'");
  const narrowed = expect(all, ADMIN, push("prod/app"), false);
  assert.equal(
    narrowed.reason,
    'no rule of the access policy of repository "prod" allows put-manifest in "prod/app"',
  );
  const refused = expect(all, ANONYMOUS, pull("prod/app"), false);
  assert.equal(refused.reason, 'no rule of the global access policy allows get-manifest in "prod/app"');
  assert.deepEqual(refused.scope, { kind: "global" });
  assert.deepEqual(expect(all, ADMIN, push("other"), true).scope, { kind: "global" });
  expect(policies(denyMode(), { prod: allowMode() }), ADMIN, pull("prod/app"), false);
});

Deno.test("a repository covers its own name and what is below it, and nothing that only begins like it", () => {
  const all = policies(undefined, {
    prod: allowMode(),
    "a/b": allowMode(),
    a: denyMode(),
    "global": allowMode(),
  });
  for (const name of ["prod", "prod/app", "prod/app/x", "a/b", "a/b/c", "global/x"]) {
    expect(all, ADMIN, pull(name), true);
  }
  for (const name of ["production", "prod-2/app", "x/prod", "a", "a/bc", "p"]) {
    expect(all, ADMIN, pull(name), false);
  }
});

Deno.test("without a global policy those of repositories stand alone and the rest is refused", () => {
  const all = policies(undefined, { dev: allowMode(), plain: undefined });
  expect(all, ANONYMOUS, push("dev/app"), true);
  assert.equal(
    expect(all, ADMIN, pull("plain/app"), false).reason,
    'no access policy covers get-manifest in "plain/app"',
  );
  assert.equal(expect(all, ADMIN, CATALOG, false).reason, "no access policy covers list-catalog");
  for (const identity of [ADMIN, { ...ANONYMOUS, id: "ci" }, withCertificate({})]) {
    expect(all, identity, VERSION, true);
  }
  assert.equal(
    expect(all, ANONYMOUS, VERSION, false).reason,
    "only identified callers may ask for the API version",
  );
});

Deno.test("a global policy decides over the API version and the catalog", () => {
  expect(policies(denyMode()), ADMIN, VERSION, false);
  expect(policies(denyMode("request.action == 'list-catalog'")), ANONYMOUS, CATALOG, true);
});

Deno.test("has_repository_policy() lets a global rule hand over", () => {
  const rule = "request.action == 'get-api-version' || has_repository_policy()";
  const all = policies(denyMode(rule), { dev: denyMode("has_repository_policy()"), plain: undefined });
  expect(all, ANONYMOUS, VERSION, true);
  expect(all, ANONYMOUS, push("dev/app"), true);
  expect(all, ANONYMOUS, pull("plain/app"), false);
  expect(all, ANONYMOUS, pull("other"), false);
  expect(all, ANONYMOUS, CATALOG, false);
});

Deno.test("AccessPolicies says of an error only that there was one, and keeps the rest for the log", () => {
  const all = policies(allowMode(), { prod: allowMode("1 / request.n == 1") });
  const decision = expect(all, ADMIN, pull("prod/app"), false);
  assert.equal(
    decision.reason,
    'a rule of the access policy of repository "prod" could not be judged, so get-manifest in "prod/app" is refused',
  );
  assert.equal(decision.error, "division by zero");
  assert.equal(decision.rule?.line, 2);
});

Deno.test("AccessPolicies says that a rule forbids, without its text", () => {
  const { reason, rule } = expect(
    policies(allowMode("identity.username == 'admin'")),
    ADMIN,
    removal("a"),
    false,
  );
  assert.equal(reason, 'a rule of the global access policy forbids delete-manifest in "a"');
  assert.equal(rule?.text, "identity.username == 'admin'");
});

Deno.test("AccessPolicies names the problems of every policy", () => {
  assert.throws(
    () =>
      policies(denyMode("nope"), { dev: denyMode("true", "x"), prod: denyMode("identity.usernmae == ''") }),
    (fault) => fault instanceof PolicyError && fault.problems.length === 3,
  );
});

Deno.test("how-to, first scenario: a certificate of one of two organizations", () => {
  const all = policies(denyMode(
    "identity.certificate.organizations.contains('Infrastructure')",
    "'build-server' in identity.certificate.common_names",
  ));
  for (const operation of [VERSION, pull("any/app"), push("any/app")]) {
    expect(all, withCertificate({ organizations: ["Infrastructure"] }), operation, true);
    expect(all, withCertificate({ commonNames: ["build-server"] }), operation, true);
    expect(
      all,
      withCertificate({ organizations: ["infrastructure"], commonNames: ["laptop"] }),
      operation,
      false,
    );
    expect(all, ADMIN, operation, false);
    expect(all, ANONYMOUS, operation, false);
  }
  const anyCertificate = policies(denyMode("size(identity.certificate.common_names) > 0"));
  expect(anyCertificate, withCertificate({ commonNames: ["a"] }), push("any/app"), true);
  expect(anyCertificate, ADMIN, push("any/app"), false);
});

Deno.test("how-to, second scenario: certificate or password, and nothing for an anonymous caller", () => {
  const all = policies(denyMode(
    "size(identity.certificate.common_names) > 0",
    "identity.username == 'admin'",
    "identity.username != '' && request.action.startsWith('get-')",
  ));
  const reader = { ...ANONYMOUS, id: "r", username: "reader" };
  for (const operation of [VERSION, pull("a"), push("a"), removal("a")]) {
    expect(all, withCertificate({ commonNames: ["a"] }), operation, true);
    expect(all, ADMIN, operation, true);
    expect(all, ANONYMOUS, operation, false);
  }
  expect(all, reader, VERSION, true);
  expect(all, reader, pull("a"), true);
  expect(all, reader, push("a"), false);
});

Deno.test("how-to, third scenario: policies of repositories without a global one", () => {
  const all = policies(undefined, {
    dev: denyMode("identity.certificate.organizations.contains('Developers')"),
    prod: denyMode(
      "identity.certificate.organizations.contains('Infrastructure')",
      "identity.certificate.organizations.contains('Developers') && request.action.startsWith('get-')",
    ),
  });
  const developer = withCertificate({ organizations: ["Developers"] });
  const operator = withCertificate({ organizations: ["Infrastructure"] });
  for (const identity of [developer, operator]) expect(all, identity, VERSION, true);
  expect(all, ANONYMOUS, VERSION, false);
  expect(all, developer, push("dev/app"), true);
  expect(all, operator, push("dev/app"), false);
  expect(all, developer, pull("prod/app"), true);
  expect(all, developer, push("prod/app"), false);
  expect(all, operator, push("prod/app"), true);
  for (const identity of [developer, operator, ADMIN, ANONYMOUS]) {
    expect(all, identity, pull("other/app"), false);
  }
});

Deno.test("AccessPolicies.decide() refuses what is no identity or operation instead of throwing", () => {
  const all = policies(denyMode("true"), { prod: allowMode("false") });
  const broken = [
    undefined,
    null,
    {},
    { certificate: 7 },
    { certificate: { commonNames: { length: 1e9 } } },
    3,
  ];
  for (const value of broken) {
    for (const operation of [value, VERSION, pull("prod/app")]) {
      const decision = all.decide(value as unknown as Identity, operation as unknown as Operation);
      assert.ok(decision.reason.length > 0);
    }
  }
  const throwing = {
    get username(): string {
      throw new Error("x\n".repeat(10_000));
    },
  };
  const decision = all.decide(throwing as unknown as Identity, pull("prod/app"));
  assert.equal(decision.allowed, false);
  assert.match(decision.error ?? "", /^[ -~]{1,200}$/);
});
