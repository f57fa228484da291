/** All retention policies of a configuration: which tags and manifests they keep, and which rule keeps each. */
import { findCovering } from "../core/covering_name.ts";
import { type CompiledRule, compileRule } from "./compile_rule.ts";
import { describeEvaluationFault } from "./describe_fault.ts";
import type { ImageVariables } from "./image_variables.ts";
import { RETENTION_RULES } from "./retention_rules.ts";
import { PolicyError, type RuleProblem, type RuleSource } from "./rule_source.ts";

export interface RetentionSources {
  readonly global: readonly RuleSource[];
  readonly repositories: readonly { readonly name: string; readonly rules: readonly RuleSource[] }[];
}

export type RetentionVerdict =
  | {
    readonly keeps: true;
    readonly rule: RuleSource; /** What kept the rule from being judged. */
    readonly error?: string;
  }
  | { readonly keeps: false };

type Variables = { readonly image: ImageVariables };

/** The rules that hold in one repository. */
export class RetentionPolicy {
  readonly #rules: readonly CompiledRule<Variables>[];

  constructor(rules: readonly CompiledRule<Variables>[]) {
    this.#rules = rules;
  }

  /** The rules in the order in which they are asked. */
  get rules(): readonly RuleSource[] {
    return this.#rules.map(({ source }) => source);
  }

  /** True when a rule reads the field, such as `image.size`. */
  reads(path: string): boolean {
    return this.#rules.some(({ reads }) => reads.has(path));
  }

  /** The first rule that is true keeps, and so does one that fails: what cannot be judged must not go. Throws nothing. */
  judge(image: ImageVariables): RetentionVerdict {
    for (const { source, evaluate } of this.#rules) {
      try {
        if (evaluate({ image }) === true) return { keeps: true, rule: source };
      } catch (fault) {
        return { keeps: true, rule: source, error: describeEvaluationFault(fault) };
      }
    }
    return { keeps: false };
  }
}

export class RetentionPolicies {
  readonly #global: readonly CompiledRule<Variables>[];
  readonly #byName: ReadonlyMap<string, RetentionPolicy>;
  readonly #ofOthers: RetentionPolicy | undefined;

  /** @throws {PolicyError} with what is wrong in every rule of every policy */
  constructor({ global, repositories }: RetentionSources) {
    const problems: RuleProblem[] = [];
    this.#global = compileAll(global, problems);
    this.#byName = new Map(
      repositories.map(({ name, rules }) => [
        name,
        new RetentionPolicy([...this.#global, ...compileAll(rules, problems)]),
      ]),
    );
    this.#ofOthers = new RetentionPolicy(this.#global);
    if (problems.length > 0) throw new PolicyError(problems);
  }

  /** The rules for a repository, global ones first; undefined where there are none, so that everything stays. */
  find(repository: string): RetentionPolicy | undefined {
    const policy = findCovering(this.#byName, repository) ?? this.#ofOthers;
    return policy === undefined || policy.rules.length === 0 ? undefined : policy;
  }
}

function compileAll(rules: readonly RuleSource[], problems: RuleProblem[]): CompiledRule<Variables>[] {
  return rules.flatMap((source) => {
    const compilation = compileRule<Variables>(source, RETENTION_RULES);
    if (compilation.kind === "compiled") return [compilation.rule];
    problems.push(compilation.problem);
    return [];
  });
}

/** True for a rule that asks when or how often something was pulled. */
export function readsPulls({ text }: RuleSource): boolean {
  return /\b(last_pulled_at|pulled_count|top_pulled)\b/.test(text);
}
