/** Rules and policies as the configuration reads them, and what can be wrong with a rule. */
import { quote } from "../core/quote.ts";

export interface RuleSource {
  readonly text: string;
  readonly file: string;
  /** Of the first character of the string that holds the rule; both count from 1. */
  readonly line: number;
  readonly column: number;
}

export interface PolicySource {
  /** What is decided where no rule is true: rules grant when this is false and forbid when it is true. */
  readonly defaultAllow: boolean;
  readonly rules: readonly RuleSource[];
  readonly file: string;
  readonly line: number;
}

export interface RuleProblem {
  readonly rule: RuleSource;
  /** What is wrong, without place and without full stop. */
  readonly message: string;
  /** Of the character that it is about, inside the rule's text, from 1; 0 when unknown. */
  readonly position: number;
  /** What to write instead. */
  readonly hint?: string;
}

/** Rules that cannot be used, every one of them. */
export class PolicyError extends Error {
  override readonly name = "PolicyError";

  constructor(readonly problems: readonly RuleProblem[]) {
    super(problems.map(formatRuleProblem).join("\n"));
  }
}

/** One line: place, rule, what is wrong and what to write instead. */
export function formatRuleProblem({ rule, message, position, hint }: RuleProblem): string {
  const where = position === 0 ? "" : ` at position ${position}`;
  const advice = hint === undefined ? "" : `: ${hint}`;
  return `${rule.file}:${rule.line}: rule ${quote(rule.text)}: ${message}${where}${advice}`;
}
