/** From the text of a rule to something that can be evaluated, or to what is wrong with it. */
import { quote } from "../core/quote.ts";
import { type CelNode, childrenOf, treeOf } from "./cel_tree.ts";
import { describeFault, notBool } from "./describe_fault.ts";
import { ACCESS_RULES, LONGEST_RULE } from "./engine.ts";
import { fieldPath } from "./field_path.ts";
import { inspectRule } from "./inspect_rule.ts";
import type { PolicyVariables } from "./policy_variables.ts";
import { rewriteRule } from "./rewrite_rule.ts";
import { RuleFault } from "./rule_fault.ts";
import type { RuleLanguage } from "./rule_language.ts";
import type { RuleProblem, RuleSource } from "./rule_source.ts";

export interface CompiledRule<V> {
  readonly source: RuleSource;
  /** Paths of the fields that it reads, such as `image.tag`. */
  readonly reads: ReadonlySet<string>;
  /** The rule's value, a boolean unless the engine is at fault. May throw. */
  readonly evaluate: (variables: V) => unknown;
}

export type Compilation<V> =
  | { readonly kind: "compiled"; readonly rule: CompiledRule<V> }
  | { readonly kind: "refused"; readonly problem: RuleProblem };

/** Parses, inspects, rewrites and checks a rule. Throws nothing. */
export function compileRule<V>(source: RuleSource, language: RuleLanguage): Compilation<V> {
  try {
    return { kind: "compiled", rule: { source, ...compile<V>(source.text, language) } };
  } catch (fault) {
    const known = fault instanceof RuleFault ? fault : describeFault(fault, source.text);
    return { kind: "refused", problem: toProblem(source, known ?? unknownFault(fault)) };
  }
}

/** What is wrong with an access rule; undefined when it can be used. */
export function checkAccessRule(source: RuleSource): RuleProblem | undefined {
  return checkRule(source, ACCESS_RULES);
}

/** What is wrong with a rule; undefined when it can be used. */
export function checkRule(source: RuleSource, language: RuleLanguage): RuleProblem | undefined {
  const compilation = compileRule<PolicyVariables>(source, language);
  return compilation.kind === "refused" ? compilation.problem : undefined;
}

function compile<V>(text: string, language: RuleLanguage): Omit<CompiledRule<V>, "source"> {
  if (text.trim() === "") throw new RuleFault("the rule is empty", undefined);
  if (text.length > LONGEST_RULE) {
    const message = `the rule has ${text.length} characters, at most ${LONGEST_RULE} are allowed`;
    throw new RuleFault(message, undefined, "write several rules");
  }
  const parsed = language.engine.parse(text);
  const root = treeOf(parsed);
  inspectRule(root, text, language);
  const reads = new Set<string>();
  collectFields(root, reads);
  rewriteRule(root, language);
  const check = parsed.check();
  if (!check.valid) throw check.error;
  refuseUntyped(root);
  if (check.type !== "bool") throw notBool(root, text, "a rule is a condition");
  return { reads, evaluate: (variables) => parsed(variables as Record<string, unknown>) };
}

/** A field of a field is noted with what it is a field of. */
function collectFields(node: CelNode, reads: Set<string>): void {
  const path = fieldPath(node);
  if (path !== undefined) reads.add(path);
  for (const child of childrenOf(node)) collectFields(child, reads);
}

/** Only what has a type is safe from an error at every request: an element of `[]` has none, nor has `dyn`. */
function refuseUntyped(node: CelNode): void {
  const kind = node.checkedType?.kind;
  if (kind === "dyn" || kind === "param") throw new RuleFault("the type of this is not known", node.start);
  for (const child of childrenOf(node)) refuseUntyped(child);
}

function toProblem(rule: RuleSource, fault: RuleFault): RuleProblem {
  const problem = {
    rule,
    message: fault.message,
    position: fault.at === undefined ? 0 : Math.min(fault.at, rule.text.length) + 1,
  };
  return fault.hint === undefined ? problem : { ...problem, hint: fault.hint };
}

function unknownFault(fault: unknown): RuleFault {
  return new RuleFault(`the rule cannot be read: ${quote(String(fault))}`, undefined);
}
