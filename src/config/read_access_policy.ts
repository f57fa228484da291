/** Reads `[global.access_policy]` and `[repository."x".access_policy]`, each rule with its place. */
import { ACCESS_RULES } from "../policy/engine.ts";
import type { PolicySource } from "../policy/rule_source.ts";
import { type Checking, isSet, noteProblem } from "./checking.ts";
import { findEntry } from "./document.ts";
import type { KeyPath } from "./key_path.ts";
import { readRules } from "./read_rules.ts";
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
  const rules = readRules(values.rules, ACCESS_RULES, [...path, "rules"], checking);
  const defaultAllow = values.default === undefined ? values.default_allow : values.default === "allow";
  return { defaultAllow, rules, file: entry.at.file, line: entry.at.line };
}
