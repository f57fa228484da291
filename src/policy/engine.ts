/** The CEL engine, set up with the types and functions of access rules. */
import { Environment } from "@marcbachmann/cel-js";
import {
  CERTIFICATE_FIELDS,
  FUNCTIONS,
  IDENTITY_FIELDS,
  OBJECT_FIELDS,
  REQUEST_FIELDS,
  RETENTION_NAMES,
} from "./access_vocabulary.ts";
import { Pattern } from "./pattern.ts";
import type { RuleLanguage } from "./rule_language.ts";
import { CertificateVariables, IdentityVariables, RequestVariables } from "./policy_variables.ts";

/** Longest rule in characters. */
export const LONGEST_RULE = 4000;
/** Most nodes of a parsed rule. */
export const MOST_NODES = 1000;
/** Deepest nesting of parentheses, lists, calls and field accesses. */
export const DEEPEST_NESTING = 50;

/** Names under which rules reach what stands in for a part of CEL, by the name that people write. */
export const STAND_INS = {
  /** `has(x)`, which in CEL asks whether a field exists; here all exist, so it asks whether one is filled. */
  has: "is_filled",
  /** The engine's own `matches` backtracks: 16 s for `^(a+)+$` on 30 characters. */
  matches: "matches_pattern",
  /** A function sees nothing but its arguments, so the request is handed in. */
  has_repository_policy: "request_has_repository_policy",
} as const;

// A function that is not declared synchronous makes the engine look for promises.
export const SYNC = { async: false };

/** An engine with what all kinds of rules have. Parsing and checking change nothing that a later rule could see. */
export function makeEngine(): Environment {
  return new Environment({ limits: { maxAstNodes: MOST_NODES, maxDepth: DEEPEST_NESTING } })
    .registerType("pattern", { ctor: Pattern })
    .registerFunction("list<string>.contains(string): bool", contains, SYNC)
    .registerFunction("list<int>.contains(int): bool", contains, SYNC)
    .registerFunction(
      `string.${STAND_INS.matches}(pattern): bool`,
      (text: string, pattern: Pattern) => pattern.test(text),
      SYNC,
    )
    .registerFunction(`${STAND_INS.has}(string): bool`, (text: string) => text !== "", SYNC)
    .registerFunction(`${STAND_INS.has}(int): bool`, (number: bigint) => number !== 0n, SYNC);
}

const ACCESS_ENGINE = makeEngine()
  .registerType("certificate", { ctor: CertificateVariables, fields: { ...CERTIFICATE_FIELDS } })
  .registerType("identity", { ctor: IdentityVariables, fields: { ...IDENTITY_FIELDS } })
  .registerType("request", { ctor: RequestVariables, fields: { ...REQUEST_FIELDS } })
  .registerVariable("identity", "identity")
  .registerVariable("request", "request")
  .registerFunction(`${STAND_INS.has}(list): bool`, (list: readonly unknown[]) => list.length > 0, SYNC)
  .registerFunction(
    `${STAND_INS.has}(google.protobuf.Timestamp): bool`,
    (time: Date) => time.getTime() !== 0,
    SYNC,
  )
  .registerFunction(
    `${STAND_INS.has}(certificate): bool`,
    (certificate: CertificateVariables) => certificate.fingerprint !== "",
    SYNC,
  )
  .registerFunction(
    `${STAND_INS.has_repository_policy}(request): bool`,
    (request: RequestVariables) => request.hasRepositoryPolicy,
    SYNC,
  );

export const ACCESS_RULES: RuleLanguage = {
  name: "access rules",
  engine: ACCESS_ENGINE,
  variables: ["identity", "request"],
  fields: OBJECT_FIELDS,
  functions: FUNCTIONS,
  handedIn: new Map([
    ["has_repository_policy", { standIn: STAND_INS.has_repository_policy, variable: "request" }],
  ]),
  foreign: { names: RETENTION_NAMES, of: "retention policies" },
};

function contains(list: readonly unknown[], item: unknown): boolean {
  return list.includes(item);
}
