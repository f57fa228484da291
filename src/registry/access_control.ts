/** Who may do what: the access policies, then the webhook of the repository. */
import type { Caller } from "../core/caller.ts";
import type { Operation } from "../core/operation.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { AccessDecision, AccessPolicies } from "../policy/access_policies.ts";
import type { RuleSource } from "../policy/rule_source.ts";
import type { AuthorizationHook, Verdict } from "../ports/authorization_hook.ts";
import type { Log } from "../ports/log.ts";

export interface AccessControlParts {
  readonly policies: AccessPolicies;
  /** The webhook to ask for a repository name, or for a request without one. */
  readonly webhookFor: (repository: RepositoryName | undefined) => AuthorizationHook | undefined;
  readonly log: Log;
}

export class AccessControl implements AuthorizationHook {
  readonly #parts: AccessControlParts;
  /** Rules, by place and column, whose fault was logged already: a rule that fails would fail for every request. */
  readonly #failed = new Set<string>();

  constructor(parts: AccessControlParts) {
    this.#parts = parts;
  }

  async decide(caller: Caller, operation: Operation): Promise<Verdict> {
    const verdict = this.#askPolicies(caller, operation);
    if (!verdict.allowed) return verdict;
    const webhook = this.#parts.webhookFor("repository" in operation ? operation.repository : undefined);
    return webhook === undefined ? verdict : await webhook.decide(caller, operation);
  }

  #askPolicies(caller: Caller, operation: Operation): Verdict {
    const decision = this.#parts.policies.decide(caller.identity, operation);
    if (decision.error !== undefined) this.#logFault(decision);
    const { allowed, reason, rule } = decision;
    return rule === undefined ? { allowed, reason } : { allowed, reason, decidedBy: placeOf(rule) };
  }

  #logFault({ rule, error, reason }: AccessDecision): void {
    const place = rule === undefined ? "" : placeOf(rule);
    const key = `${place}:${rule?.column}`;
    if (this.#failed.has(key)) return;
    this.#failed.add(key);
    this.#parts.log.error("an access rule could not be judged", { rule: place, fault: error, reason });
  }
}

/** Where a rule stands, as people look it up. */
export function placeOf({ file, line }: RuleSource): string {
  return `${file}:${line}`;
}
