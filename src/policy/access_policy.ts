/** One access policy: rules compiled once, judged in order. */
import { type CompiledRule, compileRule } from "./compile_rule.ts";
import { describeEvaluationFault } from "./describe_fault.ts";
import { ACCESS_RULES } from "./engine.ts";
import type { PolicyVariables } from "./policy_variables.ts";
import { PolicyError, type PolicySource, type RuleProblem, type RuleSource } from "./rule_source.ts";

export type PolicyDecision =
  | { readonly allowed: boolean; readonly by: "rule"; readonly rule: RuleSource }
  | { readonly allowed: boolean; readonly by: "default" }
  | {
    readonly allowed: false;
    readonly by: "error";
    /** The rule that failed; undefined where the variables could not be judged at all. */
    readonly rule?: RuleSource;
    /** For the log, on one line. */
    readonly error: string;
  };

export class AccessPolicy {
  readonly #rules: readonly {
    readonly rule: CompiledRule<PolicyVariables>;
    readonly whenTrue: PolicyDecision;
  }[];
  readonly #default: PolicyDecision;

  /** @throws {PolicyError} with what is wrong in every rule */
  constructor(source: PolicySource) {
    const problems: RuleProblem[] = [];
    const rules: CompiledRule<PolicyVariables>[] = [];
    for (const rule of source.rules) {
      const compilation = compileRule<PolicyVariables>(rule, ACCESS_RULES);
      if (compilation.kind === "compiled") rules.push(compilation.rule);
      else problems.push(compilation.problem);
    }
    if (problems.length > 0) throw new PolicyError(problems);
    this.#rules = rules.map((rule) => {
      return { rule, whenTrue: { allowed: !source.defaultAllow, by: "rule", rule: rule.source } };
    });
    this.#default = { allowed: source.defaultAllow, by: "default" };
  }

  /**
   * Judges one request: the first rule that is true decides against the default. A rule that fails, or is neither true
   * nor false, ends it and denies, whatever the default is. Throws nothing.
   */
  decide(variables: PolicyVariables): PolicyDecision {
    if (this.#rules.length === 0) return this.#default;
    try {
      const overflow = variables.findOverflow();
      if (overflow !== undefined) return { allowed: false, by: "error", error: overflow };
    } catch (fault) {
      return { allowed: false, by: "error", error: describeEvaluationFault(fault) };
    }
    for (const { rule, whenTrue } of this.#rules) {
      let value: unknown;
      try {
        value = rule.evaluate(variables);
      } catch (fault) {
        return { allowed: false, by: "error", rule: rule.source, error: describeEvaluationFault(fault) };
      }
      if (value === true) return whenTrue;
      if (value !== false) {
        return {
          allowed: false,
          by: "error",
          rule: rule.source,
          error: "the rule is neither true nor false",
        };
      }
    }
    return this.#default;
  }
}
