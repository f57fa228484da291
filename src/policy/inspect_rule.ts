/** Refuses, before the types are checked, what a rule must not use, and names what to write instead. */
import { quote } from "../core/quote.ts";
import { FORMER_FIELDS, MACROS, METHODS } from "./access_vocabulary.ts";
import {
  type CallNode,
  type CelNode,
  childrenOf,
  type IndexNode,
  type MethodNode,
  type ValueNode,
} from "./cel_tree.ts";
import { checkComparison, checkPrefix } from "./check_comparison.ts";
import { checkVersion } from "./version_literals.ts";
import { fieldPath, pathType } from "./field_path.ts";
import { nearestName } from "../core/nearest_name.ts";
import type { RuleLanguage } from "./rule_language.ts";
import { didYouMean, RuleFault } from "./rule_fault.ts";
import { checkDuration, checkTimestamp } from "./time_literals.ts";

/** Where in a rule a node stands. */
interface Scope {
  readonly text: string;
  readonly language: RuleLanguage;
  /** Variable of the list macro around, undefined outside of one. */
  readonly macroVariable: string | undefined;
  /** Inside of a list macro or of the list that one walks through. */
  readonly inMacro: boolean;
}

/** @throws {RuleFault} for the first thing, in reading order, that a rule must not use */
export function inspectRule(root: CelNode, text: string, language: RuleLanguage): void {
  inspect(root, { text, language, macroVariable: undefined, inMacro: false });
}

function inspect(node: CelNode, scope: Scope): void {
  switch (node.op) {
    case "value":
      return checkLiteral(node, scope);
    case "id":
      return checkVariable(node.args, node.pos, scope);
    case ".":
      inspect(node.args[0], scope);
      return checkField(node, node.args[1], node.pos, scope);
    case "[]":
      inspect(node.args[0], scope);
      inspect(node.args[1], scope);
      return checkIndex(node, scope);
    case "call":
      return inspectCall(node, scope);
    case "rcall":
      return inspectMethod(node, scope);
    case "map":
      throw new RuleFault(
        `maps are not supported in ${scope.language.name}`,
        node.start,
        "write a list, or several rules",
      );
    case "==":
    case "!=":
    case "in":
      for (const child of node.args) if (!isNull(child)) inspect(child, scope);
      return checkComparison(node, scope.text, scope.language);
    default:
      for (const child of childrenOf(node)) inspect(child, scope);
  }
}

function isNull(node: CelNode): boolean {
  return node.op === "value" && node.args === null;
}

const MOST_INT = 2n ** 63n - 1n;

function checkLiteral(node: ValueNode, { language }: Scope): void {
  if (node.args === null) {
    throw new RuleFault(
      "null is the value of nothing here",
      node.start,
      "what is absent is '' or an empty list",
    );
  }
  if (typeof node.args === "bigint" && node.args > MOST_INT) {
    throw new RuleFault("a whole number is larger than 2^63 - 1", node.start);
  }
  if (node.args instanceof Uint8Array) {
    throw new RuleFault(`bytes are not supported in ${language.name}`, node.start, "write a string");
  }
}

function checkVariable(name: string, at: number, scope: Scope): void {
  const { variables, fields } = scope.language;
  if (variables.includes(name) || name === scope.macroVariable) return;
  refuseForeignName(name, at, scope);
  for (const root of variables.toReversed()) {
    if (fields.get(root)?.has(name)) {
      throw new RuleFault(`unknown variable ${quote(name)}`, at, `write ${root}.${name}`);
    }
  }
  const nearest = nearestName(name, variables);
  throw new RuleFault(
    `unknown variable ${quote(name)}`,
    at,
    didYouMean(nearest) ?? `${describeVariables(scope)}; a string stands in quotes, '...'`,
  );
}

/** A field of `node`'s receiver; what is a field of something else than an object is left to the check of types. */
function checkField(node: CelNode & { op: "." | "[]" }, name: string, at: number, { language }: Scope): void {
  const receiver = fieldPath(node.args[0]);
  if (receiver === undefined) return;
  const fields = language.fields.get(pathType(receiver, language) ?? "");
  if (fields === undefined || fields.has(name)) return;
  if (receiver === "identity" && name === "oidc") {
    const message = "identity.oidc is not there: OIDC is not supported by this version";
    throw new RuleFault(message, at, "leave the rule out; clients log in with certificates or passwords");
  }
  const former = FORMER_FIELDS.get(`${receiver}.${name}`);
  const nearest = nearestName(name, fields.keys());
  throw new RuleFault(
    `${receiver} has no field ${quote(name)}`,
    at,
    former ?? didYouMean(nearest === undefined ? undefined : `${receiver}.${nearest}`) ??
      `its fields are ${[...fields.keys()].join(", ")}`,
  );
}

function checkIndex(node: IndexNode, scope: Scope): void {
  const { language } = scope;
  const receiver = fieldPath(node.args[0]);
  if (receiver === undefined || !language.fields.has(pathType(receiver, language) ?? "")) return;
  const index = node.args[1];
  if (index.op === "value" && typeof index.args === "string") {
    return checkField(node, index.args, index.start, scope);
  }
  const message = `a field of ${receiver} can only be named, not computed`;
  throw new RuleFault(message, index.start, `write ${receiver}.name`);
}

function refuseForeignName(name: string, at: number, scope: Scope): void {
  const { foreign, name: kind, variables } = scope.language;
  if (!foreign.names.has(name)) return;
  const what = ["image", "identity", "request"].includes(name) ? name : `${name}()`;
  const message = `${what} belongs to ${foreign.of}, ${kind} do not have it`;
  throw new RuleFault(message, at, `${kind} see ${variables.join(" and ")}`);
}

function describeVariables({ language: { variables } }: Scope): string {
  return variables.length === 1
    ? `the variable is ${variables[0]}`
    : `the variables are ${variables.slice(0, -1).join(", ")} and ${variables.at(-1)}`;
}

function inspectCall(node: CallNode, scope: Scope): void {
  const [name, args] = node.args;
  const { functions } = scope.language;
  const count = functions.get(name);
  if (count === undefined) {
    refuseForeignName(name, node.start, scope);
    const method = METHODS.has(name) || MACROS.has(name)
      ? `write it behind a value, x.${name}(...)`
      : undefined;
    const nearest = nearestName(name, functions.keys());
    throw new RuleFault(
      `unknown function ${name}()`,
      node.start,
      method ?? didYouMean(nearest && `${nearest}()`) ??
        `the functions are ${[...functions.keys()].join(", ")}`,
    );
  }
  checkCount(name, args.length, [count], node.start);
  for (const arg of args) inspect(arg, scope);
  const [arg] = args;
  if (arg === undefined) return;
  if (name === "has" && fieldPath(arg)?.includes(".") !== true) {
    throw new RuleFault("has() asks whether a field is filled", arg.start, "write e.g. has(request.digest)");
  }
  if (name === "timestamp") checkTimestamp(arg);
  if (name === "duration") checkDuration(arg);
  if (name === "semver") checkVersion(arg);
}

function inspectMethod(node: MethodNode, scope: Scope): void {
  const [name, receiver, args] = node.args;
  const at = Math.max(node.start, scope.text.indexOf(name, receiver.end));
  const macroCounts = MACROS.get(name);
  inspect(receiver, macroCounts === undefined ? scope : { ...scope, inMacro: true });
  if (macroCounts !== undefined) {
    checkCount(name, args.length, macroCounts, at);
    return inspectMacro(name, args, at, scope);
  }
  const count = METHODS.get(name);
  if (count === undefined) {
    const nearest = nearestName(name, [...METHODS.keys(), ...MACROS.keys()]);
    const asFunction = scope.language.functions.has(name)
      ? `write it around the value, ${name}(x)`
      : undefined;
    const known = [...METHODS.keys()].filter((method) => !method.startsWith("get"));
    throw new RuleFault(
      `unknown method ${name}()`,
      at,
      asFunction ?? didYouMean(nearest && `${nearest}()`) ??
        `the methods are ${[...known, ...MACROS.keys()].join(", ")}`,
    );
  }
  checkCount(name, args.length, [count], at);
  for (const arg of args) inspect(arg, scope);
  if (name === "startsWith") checkPrefix(receiver, args[0]!);
}

function inspectMacro(name: string, args: readonly CelNode[], at: number, scope: Scope): void {
  if (scope.inMacro) {
    const message = `${name}() stands inside another walk through a list, which could take too long`;
    throw new RuleFault(message, at, "join the conditions with && in one, or write several rules");
  }
  const [variable, ...bodies] = args;
  // The parser lets nothing but a name stand here.
  const macroVariable = variable?.op === "id" ? variable.args : "";
  const { variables, foreign } = scope.language;
  if (variables.includes(macroVariable) || foreign.names.has(macroVariable)) {
    const message = `${name}() takes ${quote(macroVariable)} for the name of its own variable`;
    throw new RuleFault(message, variable?.start, "choose another name");
  }
  for (const body of bodies) inspect(body, { ...scope, macroVariable, inMacro: true });
}

function checkCount(name: string, actual: number, expected: readonly number[], at: number): void {
  if (expected.includes(actual)) return;
  const takes = expected.join(" or ");
  throw new RuleFault(`${name}() takes ${takes} argument${takes === "1" ? "" : "s"}, not ${actual}`, at);
}
