/** What holds for every rule, policy, identity and operation. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { anonymousIdentity, type Identity } from "../../src/core/identity.ts";
import type { Operation } from "../../src/core/operation.ts";
import { AccessPolicies } from "../../src/policy/access_policies.ts";
import { AccessPolicy } from "../../src/policy/access_policy.ts";
import { checkAccessRule } from "../../src/policy/compile_rule.ts";
import { makeVariables } from "../../src/policy/policy_variables.ts";
import { PolicyError } from "../../src/policy/rule_source.ts";
import { inTries } from "../harness/tries.ts";
import { allowMode, CATALOG, denyMode, pull, push, removal, ruleOf, VERSION } from "./policy_samples.ts";

const atom = fc.constantFrom(
  "true",
  "false",
  "identity.username != ''",
  "identity.username == 'admin'",
  "has(identity.certificate)",
  "size(identity.certificate.common_names) > 0",
  "identity.certificate.organizations.contains('X')",
  "identity.certificate.common_names.exists(c, c.matches('^a+$'))",
  "identity.certificate.common_names[0] == 'a'",
  "request.action.startsWith('get-')",
  "request.namespace.startsWith(identity.username + '/')",
  "'latest' in request.tags",
  "1 / size(request.tags) > 0",
  "has_repository_policy()",
);
const rule: fc.Arbitrary<string> = fc.letrec((tie) => ({
  rule: fc.oneof(
    { maxDepth: 3 },
    atom,
    fc.tuple(tie("rule"), fc.constantFrom("&&", "||"), tie("rule")).map(([a, op, b]) =>
      `(${a}) ${op} (${b})`
    ),
    tie("rule").map((inner) => `!(${inner})`),
    fc.tuple(tie("rule"), tie("rule"), tie("rule")).map(([a, b, c]) => `(${a}) ? (${b}) : (${c})`),
  ),
})).rule as fc.Arbitrary<string>;

const names = fc.array(fc.oneof(fc.constantFrom("a", "X", "latest"), fc.string()), { maxLength: 4 });
const identity: fc.Arbitrary<Identity> = fc.record({
  clientIp: fc.string(),
  id: fc.oneof(fc.constant(""), fc.string()),
  username: fc.oneof(fc.constantFrom("", "admin", "dev"), fc.string({ unit: "binary" })),
  certificate: fc.option(
    fc.record({
      commonNames: names,
      organizations: names,
      organizationalUnits: names,
      dnsNames: names,
      emails: names,
      uris: names,
      serial: fc.string(),
      fingerprint: fc.string(),
      issuerCommonNames: names,
      notAfter: fc.oneof(fc.integer(), fc.double()),
    }),
    { nil: undefined },
  ),
});
const operation: fc.Arbitrary<Operation> = fc.constantFrom(
  VERSION,
  CATALOG,
  pull("dev/app"),
  push("prod/app", "v1", ["v1", "latest"]),
  removal("admin/app"),
);

Deno.test("in deny mode nobody passes unless one of the rules is true for them", () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 4 }), identity, operation, (rules, identity, operation) => {
      for (const who of [identity, anonymousIdentity("192.0.2.1")]) {
        const variables = makeVariables(who, operation);
        const decision = new AccessPolicy(denyMode(...rules)).decide(variables);
        const alone = rules.map((text) => new AccessPolicy(denyMode(text)).decide(variables));
        const decisive = alone.find(({ allowed, by }) => allowed || by === "error");
        assert.equal(decision.allowed, decisive?.allowed ?? false);
        assert.equal(decision.by, decisive?.by ?? "default");
      }
    }),
  );
});

Deno.test("in allow mode nobody passes when a rule before the first true one fails", () => {
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 4 }), identity, operation, (rules, identity, operation) => {
      const variables = makeVariables(identity, operation);
      const decision = new AccessPolicy(allowMode(...rules)).decide(variables);
      const alone = rules.map((text) => new AccessPolicy(allowMode(text)).decide(variables));
      assert.equal(decision.allowed, alone.every(({ allowed }) => allowed));
    }),
  );
});

Deno.test("a repository's policy never gives what the global one does not", () => {
  fc.assert(fc.property(rule, rule, identity, operation, (wide, narrow, identity, operation) => {
    const repositories = ["dev", "prod", "admin"].map((name) => ({
      name: name as never,
      policy: allowMode(narrow),
    }));
    const global = new AccessPolicies({ global: denyMode(wide), repositories: [] });
    const both = new AccessPolicies({ global: denyMode(wide), repositories });
    // The question that a rule can ask about repositories has another answer there.
    if (wide.includes("has_repository_policy")) return;
    if (both.decide(identity, operation).allowed) assert.ok(global.decide(identity, operation).allowed);
  }));
});

const token = fc.constantFrom(
  ..."identity request .username .certificate .common_names .tags .action ['a'] [0] [ ] ( ) { } . , : ? ! - + * / % < <= > >= == != && || in"
    .split(" "),
  ..."true false null 'a' '' \"b\" r'\\d' b'x' 1 1u 0x1f 1.5 1e9 has( size( .contains( .matches( .exists(x, .map(x, .filter(x,"
    .split(" "),
  ..."x image now() dyn( type( google cel.bind( timestamp( duration( __proto__ constructor .__proto__ // \n ' \" ''' \\ \u00e9 \u{1f600} \0"
    .split(" "),
);

Deno.test(
  "any text is taken or refused with a problem, in bounded time, and never thrown about",
  inTries(() => {
    const text = fc.oneof(
      fc.array(token, { maxLength: 25 }).map((tokens) => tokens.join(" ")),
      fc.array(token, { maxLength: 25 }).map((tokens) => tokens.join("")),
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.tuple(rule, token, fc.nat()).map(([text, token, at]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + token + text.slice(place);
      }),
    );
    let slowest = 0;
    fc.assert(
      fc.property(text, identity, operation, (text, identity, operation) => {
        const start = performance.now();
        const problem = checkAccessRule(ruleOf(text));
        if (problem === undefined) {
          const { by } = new AccessPolicy(denyMode(text)).decide(makeVariables(identity, operation));
          assert.ok(by === "rule" || by === "default" || by === "error");
        } else {
          assert.match(problem.message + (problem.hint ?? ""), /^[ -~]+$/);
          assert.doesNotMatch(problem.message, /cannot be read/);
          assert.ok(problem.position >= 0 && problem.position <= text.length + 1);
          assert.throws(() => new AccessPolicy(denyMode(text)), PolicyError);
        }
        slowest = Math.max(slowest, performance.now() - start);
      }),
      { numRuns: 5000 },
    );
    assert.ok(slowest < 1000, `the slowest took ${slowest} ms`);
  }),
);

Deno.test("the same rule decides the same after any others were read and judged", () => {
  const policy = new AccessPolicy(denyMode("identity.certificate.common_names.exists(c, c == 'a')"));
  const member = makeVariables({ ...anonymousIdentity(""), certificate: undefined }, VERSION);
  fc.assert(fc.property(rule, identity, operation, (text, identity, operation) => {
    new AccessPolicy(denyMode(text)).decide(makeVariables(identity, operation));
    assert.equal(policy.decide(member).allowed, false);
    const expected = identity.certificate?.commonNames.includes("a") ?? false;
    assert.equal(policy.decide(makeVariables(identity, operation)).allowed, expected);
  }));
});
