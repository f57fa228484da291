/** All access policies of a configuration, and the order in which they are asked. */
import { findCovering } from "../core/covering_name.ts";
import { type Identity, isIdentified } from "../core/identity.ts";
import type { Operation } from "../core/operation.ts";
import { quote } from "../core/quote.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import { AccessPolicy, type PolicyDecision } from "./access_policy.ts";
import { describeEvaluationFault } from "./describe_fault.ts";
import { makeVariables } from "./policy_variables.ts";
import { PolicyError, type PolicySource, type RuleProblem, type RuleSource } from "./rule_source.ts";

/** Whose policy decided; "global" also where no policy covers the request. */
export type PolicyScope = { readonly kind: "global" } | {
  readonly kind: "repository";
  readonly name: RepositoryName;
};

export interface AccessDecision {
  readonly allowed: boolean;
  /** A sentence for the caller, without full stop. Never holds the text of a rule. */
  readonly reason: string;
  readonly scope: PolicyScope;
  /** The rule that decided, for the audit log; undefined where none did. */
  readonly rule?: RuleSource;
  /** What kept a rule from being judged, for the log, on one line. */
  readonly error?: string;
}

export interface RepositoryPolicySource {
  /** Covers this name and every name below it. */
  readonly name: RepositoryName;
  readonly policy?: PolicySource;
}

export interface PolicySources {
  readonly global?: PolicySource;
  readonly repositories: readonly RepositoryPolicySource[];
}

const GLOBAL: PolicyScope = { kind: "global" };

export class AccessPolicies {
  readonly #global: AccessPolicy | undefined;
  readonly #repositories = new Map<string, { scope: PolicyScope; policy: AccessPolicy | undefined }>();

  /** @throws {PolicyError} with what is wrong in every rule of every policy */
  constructor({ global, repositories }: PolicySources) {
    const problems: RuleProblem[] = [];
    this.#global = compilePolicy(global, problems);
    for (const { name, policy } of repositories) {
      const scope: PolicyScope = { kind: "repository", name };
      this.#repositories.set(name, { scope, policy: compilePolicy(policy, problems) });
    }
    if (problems.length > 0) throw new PolicyError(problems);
  }

  /**
   * Asks the global policy, then the one of the repository that covers the name, which can only narrow what the global
   * one allows. Without a global policy those of repositories stand alone, what none covers is refused, and
   * `GET /v2/` is answered to every identified caller. Throws nothing.
   */
  decide(identity: Identity, operation: Operation): AccessDecision {
    try {
      return this.#decide(identity, operation);
    } catch (fault) {
      const error = describeEvaluationFault(fault);
      return { allowed: false, reason: "the access policies could not be judged", scope: GLOBAL, error };
    }
  }

  #decide(identity: Identity, operation: Operation): AccessDecision {
    const repository = "repository" in operation
      ? findCovering(this.#repositories, operation.repository)
      : undefined;
    const narrower = repository?.policy;
    if (this.#global === undefined && narrower === undefined) return decideUncovered(identity, operation);
    const variables = makeVariables(identity, operation, narrower !== undefined);
    if (this.#global !== undefined) {
      const decision = this.#global.decide(variables);
      if (!decision.allowed || narrower === undefined) return explain(decision, GLOBAL, operation);
    }
    return explain(narrower!.decide(variables), repository!.scope, operation);
  }
}

function compilePolicy(source: PolicySource | undefined, problems: RuleProblem[]): AccessPolicy | undefined {
  if (source === undefined) return undefined;
  try {
    return new AccessPolicy(source);
  } catch (fault) {
    if (!(fault instanceof PolicyError)) throw fault;
    problems.push(...fault.problems);
    return undefined;
  }
}

function decideUncovered(identity: Identity, operation: Operation): AccessDecision {
  if (operation.action !== "get-api-version") {
    return { allowed: false, reason: `no access policy covers ${describe(operation)}`, scope: GLOBAL };
  }
  return isIdentified(identity)
    ? { allowed: true, reason: "every identified caller may ask for the API version", scope: GLOBAL }
    : { allowed: false, reason: "only identified callers may ask for the API version", scope: GLOBAL };
}

function explain(decision: PolicyDecision, scope: PolicyScope, operation: Operation): AccessDecision {
  const policy = scope.kind === "global"
    ? "the global access policy"
    : `the access policy of repository ${quote(scope.name)}`;
  const { allowed } = decision;
  switch (decision.by) {
    case "rule": {
      const verb = allowed ? "allows" : "forbids";
      return {
        allowed,
        reason: `a rule of ${policy} ${verb} ${describe(operation)}`,
        scope,
        rule: decision.rule,
      };
    }
    case "default": {
      const verb = allowed ? "forbids" : "allows";
      return { allowed, reason: `no rule of ${policy} ${verb} ${describe(operation)}`, scope };
    }
    case "error": {
      const { rule, error } = decision;
      const judged = rule === undefined ? policy : `a rule of ${policy}`;
      const reason = `${judged} could not be judged, so ${describe(operation)} is refused`;
      return rule === undefined ? { allowed, reason, scope, error } : { allowed, reason, scope, rule, error };
    }
  }
}

function describe(operation: Operation): string {
  return "repository" in operation
    ? `${operation.action} in ${quote(operation.repository)}`
    : operation.action;
}
