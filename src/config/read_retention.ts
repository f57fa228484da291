/** Reads `[global.retention_policy]` and `[repository."x".retention_policy]`. */
import { quote } from "../core/quote.ts";
import { readsPulls } from "../policy/retention_policies.ts";
import { RETENTION_RULES } from "../policy/retention_rules.ts";
import type { RuleSource } from "../policy/rule_source.ts";
import { type Checking, noteProblem } from "./checking.ts";
import type { KeyPath } from "./key_path.ts";
import { readRules } from "./read_rules.ts";
import type { RETENTION_POLICY } from "./schema.ts";
import type { ValuesOf } from "./schema_item.ts";

export interface RetentionReading {
  /** `update_pull_time`: without it every tag looks as if nobody had ever pulled it. */
  readonly countsPulls: boolean;
  readonly checking: Checking;
}

/** The rules of the table at `path`, none where there is no table. */
export function readRetentionRules(
  values: ValuesOf<typeof RETENTION_POLICY> | undefined,
  path: KeyPath,
  { countsPulls, checking }: RetentionReading,
): RuleSource[] {
  const rules = readRules(values?.rules ?? [], RETENTION_RULES, [...path, "rules"], checking);
  if (countsPulls) return rules;
  for (const rule of rules.filter(readsPulls)) {
    noteProblem(
      checking,
      [...path, "rules"],
      `rule ${
        quote(rule.text)
      } asks for pulls, which update_pull_time = false leaves unknown: remove one of the two`,
      rule,
    );
  }
  return rules;
}
