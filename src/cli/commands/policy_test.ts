/** The `policy test` command: what the policies of a configuration say to a caller, and why. */
import type { Settings } from "../../config/settings.ts";
import type { Identity } from "../../core/identity.ts";
import type { Operation } from "../../core/operation.ts";
import { formatReference } from "../../core/reference.ts";
import { type AccessDecision, AccessPolicies } from "../../policy/access_policies.ts";
import { listVariables } from "../../policy/list_variables.ts";
import { makeVariables } from "../../policy/policy_variables.ts";
import { placeOf } from "../../registry/access_control.ts";
import { policySourcesOf } from "../access.ts";
import { assumeIdentity } from "./assumed_identity.ts";
import { inJson } from "./ask_data.ts";
import { type AssumedOperation, assumeOperations } from "./assumed_operation.ts";
import { readOptions } from "../options.ts";

export interface PolicyTestResult {
  readonly allowed: boolean;
  /** Lines to print. */
  readonly text: string;
}

/**
 * @throws {UsageError} for options that do not fit together, and names that do not parse
 * @throws {Error} when the certificate would be refused
 */
export async function testPolicy(
  args: readonly string[],
  settings: Settings,
  now: Date,
): Promise<PolicyTestResult> {
  const options = readOptions(args, "policy test");
  const assumed = assumeOperations(options);
  const identity = await assumeIdentity(options, settings, now);
  const policies = new AccessPolicies(policySourcesOf(settings));
  const verdicts = assumed.map(({ operation, optional }) => ({
    operation,
    optional,
    decision: policies.decide(identity, operation),
  }));
  const allowed = verdicts.every(({ optional, decision }) => decision.allowed || optional);
  if (options.has("json")) {
    return {
      allowed,
      text: inJson({ allowed, operations: verdicts.map((each) => plainVerdict(identity, each)) }),
    };
  }
  const text = options.has("as-if-request")
    ? verdicts.map(({ operation, optional, decision }) => `${summarize(operation, optional, decision)}\n`)
      .join("")
    : verdicts.map(({ operation, decision }) => explain(identity, operation, decision)).join("");
  const webhooks = settings.auth.webhooks.length > 0
    ? "note: authorization webhooks are not asked here\n"
    : "";
  return {
    allowed,
    text: `${text}${options.has("as-if-request") ? `${verdictOf(allowed)}\n` : ""}${webhooks}`,
  };
}

interface Verdict extends AssumedOperation {
  readonly decision: AccessDecision;
}

/** For programs. */
function plainVerdict(identity: Identity, { operation, optional, decision }: Verdict): unknown {
  const { rule, error, reason, allowed, scope } = decision;
  return {
    action: operation.action,
    ...("repository" in operation && { repository: operation.repository }),
    ...("reference" in operation && { reference: formatReference(operation.reference) }),
    allowed,
    // A client goes on where it is refused.
    optional,
    reason,
    ...(rule !== undefined && { rule: { place: placeOf(rule), text: rule.text } }),
    ...(error !== undefined && { error }),
    variables: Object.fromEntries(
      listVariables(makeVariables(identity, operation, scope.kind === "repository")),
    ),
  };
}

function summarize(operation: Operation, optional: boolean, decision: AccessDecision): string {
  const what = "reference" in operation
    ? `${operation.action} ${formatReference(operation.reference)}`
    : operation.action;
  const place = decision.rule === undefined ? "" : ` (${placeOf(decision.rule)})`;
  const note = optional && !decision.allowed ? "; clients go on without it" : "";
  return `${verdictOf(decision.allowed).padEnd(5)}  ${what}: ${decision.reason}${place}${note}`;
}

function explain(identity: Identity, operation: Operation, decision: AccessDecision): string {
  const { rule, error, reason } = decision;
  const lines = [verdictOf(decision.allowed), `because ${reason}`];
  if (rule !== undefined) lines.push(`rule at ${placeOf(rule)}: ${rule.text}`);
  if (error !== undefined) lines.push(`the rule could not be judged: ${error}`);
  lines.push("what rules see:");
  const hasOwn = decision.scope.kind === "repository";
  for (const [path, value] of listVariables(makeVariables(identity, operation, hasOwn))) {
    lines.push(`  ${path} = ${value}`);
  }
  return `${lines.join("\n")}\n`;
}

function verdictOf(allowed: boolean): string {
  return allowed ? "allow" : "deny";
}
