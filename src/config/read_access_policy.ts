/** Reads `[global.access_policy]` and `[repository."x".access_policy]`, each rule with its place. */
import { checkAccessRule } from "../policy/compile_rule.ts";
import { quote } from "../core/quote.ts";
import type { PolicySource, RuleSource } from "../policy/rule_source.ts";
import { type Checking, isSet, noteProblem } from "./checking.ts";
import { findEntry, type StringNode } from "./document.ts";
import type { KeyPath } from "./key_path.ts";
import { placeInString } from "./place_in_string.ts";
import type { ACCESS_POLICY } from "./schema.ts";
import type { ValuesOf } from "./schema_item.ts";

/** The policy of the table at `path`, undefined where there is none: an empty one is a policy that refuses everything. */
export function readAccessPolicy(
  values: ValuesOf<typeof ACCESS_POLICY> | undefined,
  path: KeyPath,
  checking: Checking,
): PolicySource | undefined {
  const entry = findEntry(checking.document, path);
  if (values === undefined || entry === undefined) return undefined;
  if (isSet(checking, [...path, "default"]) && isSet(checking, [...path, "default_allow"])) {
    noteProblem(checking, [...path, "default"], "stands beside default_allow: write one of the two");
  }
  const rules = values.rules.map(({ value: node }) => {
    const rule: RuleSource = { text: node.value, ...node.at };
    checkRule(rule, node, [...path, "rules"], checking);
    return rule;
  });
  const defaultAllow = values.default === undefined ? values.default_allow : values.default === "allow";
  return { defaultAllow, rules, file: entry.at.file, line: entry.at.line };
}

function checkRule(rule: RuleSource, node: StringNode, path: KeyPath, checking: Checking): void {
  const problem = checkAccessRule(rule);
  if (problem === undefined) return;
  const { message, position, hint } = problem;
  const where = position === 0 ? "" : ` at position ${position}`;
  const advice = hint === undefined ? "" : `: ${hint}`;
  const place = position === 0 ? node.at : placeInString(node, position - 1);
  noteProblem(checking, path, `rule ${quote(node.raw)}: ${message}${where}${advice}`, place);
}
