/** Rules that are refused when the configuration is read, and what people are told. */
import assert from "node:assert/strict";
import { checkAccessRule } from "../../src/policy/compile_rule.ts";
import { formatRuleProblem, type RuleProblem } from "../../src/policy/rule_source.ts";
import { cheapest } from "../harness/cheapest.ts";
import { ruleOf } from "./policy_samples.ts";

function problemOf(text: string): RuleProblem {
  const problem = checkAccessRule(ruleOf(text));
  assert.ok(problem, `${text} is taken`);
  assert.match(problem.message + (problem.hint ?? ""), /^[ -~]+$/);
  return problem;
}

/** Rule, the word of it that the position points at, a piece of the message, a piece of the hint. */
type Row = readonly [rule: string, at: string | undefined, message: string, hint?: string];

function check(rows: readonly Row[]): void {
  for (const [text, at, message, hint] of rows) {
    const problem = problemOf(text);
    assert.ok(problem.message.includes(message), `${text}: ${problem.message}`);
    if (hint === undefined) assert.equal(problem.hint, undefined, text);
    else assert.ok(problem.hint?.includes(hint), `${text}: ${problem.hint}`);
    if (at === undefined) assert.equal(problem.position, 0, text);
    else assert.ok(text.slice(problem.position - 1).startsWith(at), `${text}: position ${problem.position}`);
  }
}

Deno.test("checkAccessRule() refuses null and says what to write instead", () =>
  check([
    [
      "identity.username != null",
      "identity",
      "identity.username is never null",
      "write identity.username != ''",
    ],
    ["null == identity.id", "null", "identity.id is never null", "write identity.id == ''"],
    [
      "identity.certificate != null",
      "identity",
      "identity.certificate is never null",
      "write identity.certificate.fingerprint != ''",
    ],
    [
      "identity.certificate.common_names != null",
      "identity",
      "is never null",
      "write size(identity.certificate.common_names) > 0",
    ],
    ["request.tags == null", "request", "is never null", "write size(request.tags) == 0"],
    ["request.n != null", "request", "is never null", "write request.n != 0"],
    ["identity.certificate.not_after == null", "identity", "is never null", "write !has("],
    ["request.action in [null]", "null", "null is the value of nothing here", "''"],
    ["null", "null", "null is the value of nothing here", "''"],
    ["identity.username in null", "identity", "is never null", "leave the null out"],
  ]));

Deno.test("checkAccessRule() refuses misspelt names and finds the one that was meant", () =>
  check([
    [
      "identity.usernmae == 'a'",
      "usernmae",
      'identity has no field "usernmae"',
      "did you mean identity.username?",
    ],
    ["true || has(request.digets)", "digets", "request has no field", "did you mean request.digest?"],
    [
      "identity.certificate.comon_names.contains('a')",
      "comon_names",
      "identity.certificate has no field",
      "did you mean identity.certificate.common_names?",
    ],
    ["request['naemspace'] == 'a'", "'naemspace'", "request has no field", "did you mean request.namespace?"],
    ["identity.nope.x == 1", "nope", "identity has no field", "its fields are username, id"],
    ["request.uuid == 'a'", "uuid", "request has no field", "write request.session_id"],
    ["request.tag == 'a'", "tag", "request has no field", "in request.tags"],
    ["identiy.username == 'a'", "identiy", 'unknown variable "identiy"', "did you mean identity?"],
    ["username == 'a'", "username", "unknown variable", "write identity.username"],
    ["action == 'get-blob'", "action", "unknown variable", "write request.action"],
    ["identity.username == admin", "admin", "unknown variable", "a string stands in quotes"],
    ["request.tags.exist(t, t == 'a')", "exist", "unknown method exist()", "did you mean exists()?"],
    ["identity.username.startswith('a')", "startswith", "unknown method", "did you mean startsWith()?"],
    ["sise(request.tags) > 0", "sise", "unknown function sise()", "did you mean size()?"],
    ["contains(request.tags, 'a')", "contains", "unknown function", "x.contains(...)"],
    ["request.digest.has()", "has", "unknown method", "has(x)"],
    ["identity.username.length > 1", "length", 'string has no field "length"'],
  ]));

Deno.test("checkAccessRule() refuses what belongs elsewhere", () =>
  check([
    [
      "identity.oidc != null && identity.oidc.claims['repository'].startsWith('myorg/')",
      "oidc",
      "OIDC is not supported by this version",
      "certificates or passwords",
    ],
    ["has(identity.oidc)", "oidc", "OIDC is not supported by this version", "leave the rule out"],
    ["image.tag == 'latest'", "image", "image belongs to retention policies", "identity and request"],
    ["now() > 1", "now", "now() belongs to retention policies", "identity and request"],
    [
      "true && top_pushed(10)",
      "top_pushed",
      "top_pushed() belongs to retention policies",
      "identity and request",
    ],
    ["top_pulled(5)", "top_pulled", "retention policies", "identity and request"],
    ["request.n > days(30)", "days", "retention policies", "identity and request"],
  ]));

Deno.test("checkAccessRule() refuses types that do not fit", () =>
  check([
    ["identity.username", "identity", "a rule is a condition", "write identity.username != ''"],
    ["request.tags", "request", "a rule is a condition", "write size(request.tags) > 0"],
    ["size(request.tags)", "size", "a rule is a condition", "write size(request.tags) > 0"],
    ["identity.certificate", "identity", "a rule is a condition", "identity.certificate.fingerprint != ''"],
    ['"x"', '"x"', "a rule is a condition"],
    ["identity.username == 1", "identity", '"==" cannot compare string with int', "in quotes"],
    ["identity.username == true", "identity", '"==" cannot compare string with bool', "in quotes"],
    ["request.tags == 'a'", "request", "cannot compare", "write 'a' in request.tags"],
    ["'a' != request.tags", "'a'", "cannot compare", "write 'a' in request.tags"],
    ["identity == request", "identity", '"==" cannot compare identity with request'],
    ["identity.username > 3", "identity", '">" cannot compare', "in quotes"],
    ["size(request.tags) == 1.0", "size", '"==" cannot compare int with double'],
    ["identity.username + 1 == 'a1'", "identity", '"+" does not work on string and int'],
    ["-identity.username == 'a'", "-", '"-" takes a number'],
    ["size(1) > 0", "size", "size() does not work on int"],
    ["identity.username.contains(1)", "contains", "contains() does not work on string with int"],
    ["request.tags.contains(1)", "contains", "contains() does not work on list<string> with int"],
    ["['a', 1].contains('a')", "1", "the elements of a list have one type"],
    ["request.tags['a'] == 'a'", "'a'", "takes no index of type string"],
    ["request[request.action] == 'a'", "request.action", "can only be named, not computed", "request.name"],
    ["identity.username.exists(c, c == 'a')", "identity", "only a list can be walked through"],
    ["request.tags.exists(t, t)", "t)", "a condition is needed here", "write t != ''"],
    ["true ? 'a' : 1", "true", "ternary branches"],
    [
      "identity.certificate == identity.certificate",
      "identity",
      "cannot compare certificate with certificate",
    ],
  ]));

Deno.test("checkAccessRule() refuses what is no CEL, in words", () =>
  check([
    ["", undefined, "the rule is empty"],
    [" \n\t", undefined, "the rule is empty"],
    ["// nothing", "", "the rule ends too early"],
    ["identity.username = 'a'", "=", 'unexpected "="', "write =="],
    ["true and false", "and", 'unexpected "and"', "write &&"],
    ["true or false", "or", 'unexpected "or"', "write ||"],
    ["true & false", "&", 'unexpected "&"', "write &&"],
    ["(true", "", 'the rule ends too early, expected ")"'],
    ["identity.", "", "the rule ends too early, expected a name"],
    ["identity.username == 'a", "'a", "unterminated string"],
    ["true \u2603", "\u2603", 'unexpected "\\u2603"'],
    ["if", "if", '"if" is a reserved word'],
    ["request.tags.all(1, true)", "1", "needs a name first", "list.exists(x, x == 'a')"],
    ["has(identity)", "identity", "has() asks whether a field is filled", "has(request.digest)"],
    ["has('a')", "'a'", "has() asks whether a field is filled", "has(request.digest)"],
    ["size(request.tags, 1) > 0", "size", "size() takes 1 argument, not 2"],
    ["has_repository_policy(true)", "has_repository_policy", "takes 0 arguments, not 1"],
    ["{'a': true}['a']", "{", "maps are not supported", "write a list"],
    ["b'a' == b'a'", "b'a'", "bytes are not supported", "write a string"],
    ["99999999999999999999 > 1", "9", "larger than 2^63 - 1"],
    [
      "request.tags.exists(identity, true)",
      "identity",
      "for the name of its own variable",
      "choose another name",
    ],
    ["identity.certificate.not_after > timestamp('tomorrow')", "'tomorrow'", "RFC 3339", "timestamp('2030-"],
    ["identity.certificate.not_after > timestamp(request.n)", "request.n", "RFC 3339", "timestamp('2030-"],
    [
      "duration('1 fortnight') > duration('1h')",
      "'1 fortnight'",
      "hours, minutes and seconds",
      "duration('36h')",
    ],
  ]));

Deno.test("checkAccessRule() refuses literals that a field cannot have", () => {
  const fingerprint = "Ab:".repeat(31) + "Ab";
  check([
    [
      "request.action == 'put-blob'",
      "'put-blob'",
      'there is no action "put-blob"',
      "start-upload, update-upload and complete-upload",
    ],
    [
      "request.action in ['get-blob', 'get-manifst']",
      "'get-manifst'",
      "there is no action",
      "'get-manifest'",
    ],
    ["'pull' != request.action", "'pull'", "there is no action", "startsWith('get-')"],
    ["request.action.startsWith('gte-')", "'gte-'", 'no action starts with "gte-"', "get-"],
    [
      `identity.certificate.fingerprint == '${fingerprint}'`,
      "'Ab",
      "64 hexadecimal digits",
      `write '${"ab".repeat(32)}'`,
    ],
    ["identity.certificate.fingerprint == 'abc'", "'abc'", "64 hexadecimal digits"],
    ["identity.certificate.serial in ['0A:1B']", "'0A:1B'", "hexadecimal digits", "write 'a1b'"],
  ]);
  for (
    const rule of [
      `identity.certificate.fingerprint in ['${"ab".repeat(32)}', '']`,
      "identity.certificate.serial == 'a1b' || identity.certificate.serial == '0'",
      "request.action.startsWith('get-m') || request.action != 'healthz'",
    ]
  ) assert.equal(checkAccessRule(ruleOf(rule)), undefined, rule);
});

Deno.test("checkAccessRule() refuses functions of the engine that access rules have no use for", () => {
  for (
    const rule of [
      "dyn(identity).foo == 1",
      "type(identity) == type(request)",
      "google.protobuf == google.protobuf",
      "cel.bind(x, 1, x == 1)",
      "optional.none() == optional.none()",
      "request.digest.split(':')[0] == 'sha256'",
      "identity.username.lowerAscii() == 'a'",
      "bytes('[]').json() == 1",
      "uint(1) == 1u",
      "bool('true')",
      "identity.certificate.not_after.getHours('Europe/Paris') > 1",
      "is_filled(request.digest)",
      "request.digest.matches_pattern('a')",
      "request_has_repository_policy(request)",
    ]
  ) problemOf(rule);
});

Deno.test("checkAccessRule() finds no member of a prototype", () => {
  for (const name of ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "valueOf"]) {
    for (
      const object of ["identity", "request", "identity.certificate", "identity.username", "request.tags"]
    ) {
      problemOf(`${object}.${name} == 'a'`);
      problemOf(`${object}['${name}'] == 'a'`);
      problemOf(`has(${object}.${name})`);
      problemOf(`${object}.${name}() == 'a'`);
    }
    problemOf(`${name} == 'a'`);
    problemOf(`${name}() == 'a'`);
    problemOf(`request.hasRepositoryPolicy`);
  }
});

Deno.test("checkAccessRule() bounds length, parts and nesting, and stays quick", async () => {
  const rules: [string, string][] = [
    ["true" + " ".repeat(4000), "4004 characters, at most 4000"],
    ["1".repeat(100_000), "100000 characters"],
    ["true" + " || true".repeat(490), ""],
    ["1" + "+1".repeat(600) + " > 0", "more than 1000 parts"],
    ["(".repeat(1990) + "true" + ")".repeat(1990), "nests deeper than 50"],
    ["[".repeat(1999) + "1", "nests deeper than 50"],
    ["identity" + ".a".repeat(60) + " == 1", "nests deeper than 50"],
    ["!".repeat(3990) + "true", "more than 1000 parts"],
    ["!".repeat(900) + "true", ""],
    ["-".repeat(3990) + "1 > 0", "more than 1000 parts"],
    ["size(".repeat(600) + "'a'" + ")".repeat(600) + " > 0", "nests deeper than 50"],
    ["true ? ".repeat(250) + "true" + " : true".repeat(250), "nests deeper than 50"],
  ];
  const ms = await cheapest(() => {
    for (const [text, message] of rules) {
      if (message === "") assert.equal(checkAccessRule(ruleOf(text)), undefined);
      else assert.ok(problemOf(text).message.includes(message), problemOf(text).message);
    }
  }, 2000);
  assert.ok(ms < 2000, `all of them took ${ms} ms`);
});

Deno.test("checkAccessRule() refuses a walk through a list inside another", () =>
  check([
    [
      "request.tags.exists(t, identity.certificate.common_names.exists(c, c == t))",
      "exists(c",
      "exists() stands inside another walk",
      "&&",
    ],
    [
      "request.tags.map(t, request.tags.filter(u, u == t)) == []",
      "filter",
      "inside another walk",
      "several rules",
    ],
    ["request.tags.filter(t, t == 'a').exists(t, t == 'a')", "filter", "inside another walk", "&&"],
  ]));

Deno.test("formatRuleProblem() puts place, rule, fault and hint on one line", () => {
  const problem = problemOf("identity.usernmae == 'ä'");
  assert.equal(
    formatRuleProblem(problem),
    `config.toml:1: rule "identity.usernmae == '\\u00e4'": identity has no field "usernmae" at position 10: ` +
      "did you mean identity.username?",
  );
});
