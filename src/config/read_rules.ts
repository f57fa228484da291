/** Reads a list of CEL rules of any kind, each with its place. */
import { quote } from "../core/quote.ts";
import { checkRule } from "../policy/compile_rule.ts";
import type { RuleLanguage } from "../policy/rule_language.ts";
import type { RuleSource } from "../policy/rule_source.ts";
import { type Checking, noteProblem } from "./checking.ts";
import type { StringNode } from "./document.ts";
import type { KeyPath } from "./key_path.ts";
import { placeInString } from "./place_in_string.ts";
import type { Placed } from "./schema_item.ts";

/** Notes a problem for each rule that cannot be used, at the character that it is about. */
export function readRules(
  rules: readonly Placed<StringNode>[],
  language: RuleLanguage,
  path: KeyPath,
  checking: Checking,
): RuleSource[] {
  return rules.map(({ value: node }) => {
    const rule: RuleSource = { text: node.value, ...node.at };
    const problem = checkRule(rule, language);
    if (problem === undefined) return rule;
    const { message, position, hint } = problem;
    const where = position === 0 ? "" : ` at position ${position}`;
    const advice = hint === undefined ? "" : `: ${hint}`;
    const place = position === 0 ? node.at : placeInString(node, position - 1);
    noteProblem(checking, path, `rule ${quote(node.raw)}: ${message}${where}${advice}`, place);
    return rule;
  });
}
