/** Identities, operations and policies for the tests of policies. */
import assert from "node:assert/strict";
import { parseDigest } from "../../src/core/digest.ts";
import { anonymousIdentity, type CertificateFacts, type Identity } from "../../src/core/identity.ts";
import type { Operation } from "../../src/core/operation.ts";
import { parseReference } from "../../src/core/reference.ts";
import { parseRepositoryName } from "../../src/core/repository_name.ts";
import { parseTag } from "../../src/core/tag.ts";
import { AccessPolicy, type PolicyDecision } from "../../src/policy/access_policy.ts";
import { makeVariables } from "../../src/policy/policy_variables.ts";
import type { PolicySource, RuleSource } from "../../src/policy/rule_source.ts";

export const ANONYMOUS: Identity = anonymousIdentity("192.0.2.7");
export const ADMIN: Identity = { ...ANONYMOUS, id: "main", username: "admin" };
export const DIGEST = parseDigest("sha256:" + "ab".repeat(32));

/** Somebody with a client certificate and nothing else. */
export function withCertificate(facts: Partial<CertificateFacts>): Identity {
  const certificate: CertificateFacts = {
    commonNames: [],
    organizations: [],
    organizationalUnits: [],
    dnsNames: [],
    emails: [],
    uris: [],
    serial: "1a2b",
    fingerprint: "cd".repeat(32),
    issuerCommonNames: ["Test CA"],
    notAfter: Date.UTC(2031, 0, 1),
    ...facts,
  };
  return { ...ANONYMOUS, certificate };
}

export const VERSION: Operation = { action: "get-api-version" };
export const CATALOG: Operation = { action: "list-catalog" };

export function pull(name: string, reference = "latest"): Operation {
  return {
    action: "get-manifest",
    repository: parseRepositoryName(name),
    reference: parseReference(reference),
  };
}

export function push(name: string, reference = "latest", tags = [reference]): Operation {
  return {
    action: "put-manifest",
    repository: parseRepositoryName(name),
    reference: parseReference(reference),
    tags: tags.map(parseTag),
  };
}

export function removal(name: string, reference = "latest"): Operation {
  return {
    action: "delete-manifest",
    repository: parseRepositoryName(name),
    reference: parseReference(reference),
  };
}

export function ruleOf(text: string, line = 1): RuleSource {
  return { text, file: "config.toml", line, column: 3 };
}

export function denyMode(...rules: string[]): PolicySource {
  return {
    defaultAllow: false,
    rules: rules.map((text, i) => ruleOf(text, i + 2)),
    file: "config.toml",
    line: 1,
  };
}

export function allowMode(...rules: string[]): PolicySource {
  return { ...denyMode(...rules), defaultAllow: true };
}

export function decide(source: PolicySource, identity: Identity, operation: Operation): PolicyDecision {
  return new AccessPolicy(source).decide(makeVariables(identity, operation));
}

/** What one rule says of a request. Fails where it is refused or cannot be judged. */
export function evaluate(
  rule: string,
  identity: Identity = ANONYMOUS,
  operation: Operation = VERSION,
): boolean {
  const decision = decide(denyMode(rule), identity, operation);
  assert.notEqual(decision.by, "error", JSON.stringify(decision));
  return decision.allowed;
}
