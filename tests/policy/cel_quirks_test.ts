/** Where dialects of CEL differ: one test for each decision. */
import assert from "node:assert/strict";
import { checkAccessRule } from "../../src/policy/compile_rule.ts";
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
  ruleOf,
  VERSION,
  withCertificate,
} from "./policy_samples.ts";

function refused(text: string): void {
  assert.ok(checkAccessRule(ruleOf(text)), `${text} is taken`);
}

/** The rule fails when it is judged: denied in both modes. */
function fails(text: string, identity = ANONYMOUS): void {
  for (const source of [denyMode(text, "true"), allowMode(text)]) {
    const decision = decide(source, identity, VERSION);
    assert.equal(decision.by, "error", text);
    assert.equal(decision.allowed, false, text);
  }
}

Deno.test("contains() asks for an element of a list and for a piece of a string", () => {
  const identity = withCertificate({ organizations: ["Infrastructure", "Build"] });
  assert.equal(evaluate("identity.certificate.organizations.contains('Build')", identity), true);
  assert.equal(evaluate("identity.certificate.organizations.contains('Buil')", identity), false);
  assert.equal(evaluate("identity.certificate.organizations.contains('')", identity), false);
  assert.equal(evaluate("identity.certificate.organizations.contains('Build')"), false);
  assert.equal(evaluate("'build-server'.contains('server')"), true);
  assert.equal(evaluate("[1, 2].contains(2)"), true);
  assert.equal(evaluate("[].contains('a')"), false);
  refused("request.n.contains('a')");
});

Deno.test("in asks for an element of a list and is refused on strings", () => {
  const identity = withCertificate({ commonNames: ["build-server"] });
  assert.equal(evaluate("'build-server' in identity.certificate.common_names", identity), true);
  assert.equal(evaluate("'build' in identity.certificate.common_names", identity), false);
  refused("'build' in 'build-server'");
  refused("'a' in request");
});

Deno.test("values of different types are never compared", () => {
  refused("identity.username == 1");
  refused("identity.username == null");
  refused("1 == 1.0");
  refused("'a' < 1");
  assert.equal(evaluate("1 < 1.5 && 2.5 > 2"), true);
  assert.equal(evaluate("'a' < 'b'"), true);
});

Deno.test("a key in brackets is a field, and one that does not exist is refused", () => {
  assert.equal(evaluate("request['action'] == 'get-api-version'"), true);
  refused("request['nothing'] == ''");
});

Deno.test("an index outside of a list is an error that denies", () => {
  const rule = "identity.certificate.common_names[0] == 'a'";
  assert.equal(evaluate(rule, withCertificate({ commonNames: ["a"] })), true);
  fails(rule);
  fails("['a'][-1] == 'a'");
  fails("['a'][9223372036854775807] == 'a'");
  assert.equal(evaluate(`size(identity.certificate.common_names) > 0 && ${rule}`), false);
});

Deno.test("an error on one side of && and || is forgotten when the other side decides", () => {
  for (const rule of ["1/0 == 1 || true", "true || 1/0 == 1"]) assert.equal(evaluate(rule), true, rule);
  for (const rule of ["1/0 == 1 && false", "false && 1/0 == 1"]) assert.equal(evaluate(rule), false, rule);
  for (const rule of ["1/0 == 1 || false", "1/0 == 1 && true", "!(1/0 == 1)", "1/0 == 1 ? true : false"]) {
    fails(rule);
  }
});

Deno.test("only booleans are conditions", () => {
  for (const rule of ["'a' || true", "true && 1", "!''", "'a' ? true : false", "request.tags || true"]) {
    refused(rule);
  }
});

Deno.test("size() of a string counts code points", () => {
  assert.equal(evaluate("size('\u{1f600}\u00e9') == 2 && 'ab'.size() == 2 && size([1, 2, 3]) == 3"), true);
});

Deno.test("startsWith() and endsWith() are false on what is absent", () => {
  assert.equal(evaluate("identity.username.startsWith('a') || identity.username.endsWith('a')"), false);
  assert.equal(
    evaluate("identity.username.startsWith('ad') && identity.username.endsWith('min')", ADMIN),
    true,
  );
});

Deno.test("the list macros all, exists, exists_one, filter and map work", () => {
  const identity = withCertificate({ commonNames: ["ci-1", "ci-2", "x"] });
  for (
    const [rule, expected] of [
      ["identity.certificate.common_names.exists(cn, cn.startsWith('ci-'))", true],
      ["identity.certificate.common_names.all(cn, cn.startsWith('ci-'))", false],
      ["identity.certificate.common_names.exists_one(cn, cn == 'x')", true],
      ["identity.certificate.common_names.exists_one(cn, cn.startsWith('ci-'))", false],
      ["size(identity.certificate.common_names.filter(cn, cn.startsWith('ci-'))) == 2", true],
      ["identity.certificate.common_names.map(cn, cn + '!') == ['ci-1!', 'ci-2!', 'x!']", true],
      ["identity.certificate.common_names.map(cn, cn == 'x', cn + '!') == ['x!']", true],
      ["request.tags.all(t, t == 'never')", true],
      ["identity.certificate.common_names.exists(cn, cn.matches('^ci-[0-9]$'))", true],
      [
        "identity.certificate.common_names.all(cn, has(request.action) && cn.matches('^(ci-[0-9]|x)$'))",
        true,
      ],
    ] as const
  ) assert.equal(evaluate(rule, identity), expected, rule);
});

Deno.test("has() asks whether a field is filled", () => {
  assert.equal(evaluate("has(request.digest)", ANONYMOUS, push("a", DIGEST, [])), true);
  for (const field of ["digest", "tags", "n", "reference", "namespace"]) {
    assert.equal(evaluate(`has(request.${field})`), false, field);
  }
  assert.equal(evaluate("has(request.tags)", ANONYMOUS, push("a")), true);
  for (const field of ["certificate", "certificate.not_after", "certificate.common_names"]) {
    assert.equal(evaluate(`has(identity.${field})`), false, field);
    assert.equal(evaluate(`has(identity.${field})`, withCertificate({ commonNames: ["a"] })), true, field);
  }
  assert.equal(evaluate("!has(request.digest) && !has(identity.username)", ANONYMOUS, pull("a")), true);
});

Deno.test("string literals have two kinds of quotes, three of each, and a raw form", () => {
  assert.equal(
    evaluate(`'a' == "a" && '''a''' == """a""" && r'\\d' == '\\\\d' && '\\u0061\\x61' == 'aa'`),
    true,
  );
  assert.equal(evaluate(`'v1.2'.matches(r'^v\\d\\.\\d$') && '12'.matches("^\\\\d+$")`), true);
});

Deno.test("arithmetic that overflows or divides by nothing is an error that denies", () => {
  fails("9223372036854775807 + 1 > 0");
  fails("1 / request.n == 1");
  fails("1 % 0 == 1");
  fails("int('one') == 1");
  refused("9223372036854775808 > 0");
});

Deno.test("times are compared with literals, and the time of no certificate has passed", () => {
  const rule = "identity.certificate.not_after > timestamp('2030-06-01T00:00:00Z')";
  assert.equal(evaluate(rule, withCertificate({ notAfter: Date.UTC(2030, 6, 1) })), true);
  assert.equal(evaluate(rule, withCertificate({ notAfter: Date.UTC(2030, 4, 1) })), false);
  assert.equal(evaluate(rule), false);
  assert.equal(evaluate("identity.certificate.not_after == timestamp('1970-01-01T00:00:00Z')"), true);
  const long = "identity.certificate.not_after - timestamp('2030-01-01T00:00:00Z') > duration('24h')";
  assert.equal(evaluate(long, withCertificate({ notAfter: Date.UTC(2030, 0, 3) })), true);
  assert.equal(evaluate(long, withCertificate({ notAfter: Date.UTC(2030, 0, 1, 12) })), false);
  assert.equal(evaluate("identity.certificate.not_after.getFullYear() == 2031", withCertificate({})), true);
});

Deno.test("comments and lines are allowed in a rule", () => {
  assert.equal(evaluate("identity.username == 'admin' // the only one\n  || false", ADMIN), true);
});
