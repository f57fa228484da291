/** The language of retention rules: its variable, its functions, and the engine with both. */
import { FUNCTIONS } from "./access_vocabulary.ts";
import { makeEngine, SYNC } from "./engine.ts";
import { ImageVariables } from "./image_variables.ts";
import type { RuleLanguage } from "./rule_language.ts";
import { SemanticVersion } from "../core/semantic_version.ts";

export const IMAGE_FIELDS = {
  tag: "string",
  namespace: "string",
  repository: "string",
  digest: "string",
  media_type: "string",
  artifact_type: "string",
  size: "int",
  annotations: "map<string, string>",
  pushed_at: "int",
  last_pulled_at: "int",
  pulled_count: "int",
} as const;

const VERSION_FIELDS = { major: "int", minor: "int", patch: "int", prerelease: "string" } as const;

const VERSION = "semantic_version";

/** Functions of retention rules beside those of all rules, with the number of their arguments. */
export const RETENTION_FUNCTIONS: ReadonlyMap<string, number> = new Map([
  ["now", 0],
  ["days", 1],
  ["hours", 1],
  ["minutes", 1],
  ["top_pushed", 1],
  ["top_pulled", 1],
  ["semver", 1],
  ["is_semver", 1],
]);

const MOST_INT = 2n ** 63n - 1n;

/** Seconds of so many units; what would be too large for an int is the largest one, so that a rule does not fail. */
function seconds(unit: bigint): (count: bigint) => bigint {
  return (count) => {
    const product = count * unit;
    return product > MOST_INT ? MOST_INT : product < -MOST_INT ? -MOST_INT : product;
  };
}

const ENGINE = makeEngine()
  .registerType("image", { ctor: ImageVariables, fields: { ...IMAGE_FIELDS } })
  .registerType(VERSION, { ctor: SemanticVersion, fields: { ...VERSION_FIELDS } })
  .registerVariable("image", "image")
  .registerFunction("days(int): int", seconds(86_400n), SYNC)
  .registerFunction("hours(int): int", seconds(3600n), SYNC)
  .registerFunction("minutes(int): int", seconds(60n), SYNC)
  .registerFunction("now_of(image): int", ({ run }: ImageVariables) => run.now, SYNC)
  .registerFunction(
    "top_pushed_of(int, image): bool",
    (n: bigint, { facts }: ImageVariables) => isAmong(facts.pushedRank, n),
    SYNC,
  )
  .registerFunction(
    "top_pulled_of(int, image): bool",
    (n: bigint, { facts }: ImageVariables) => isAmong(facts.pulledRank, n),
    SYNC,
  )
  .registerFunction(`semver(string): ${VERSION}`, (text: string) => new SemanticVersion(text), SYNC)
  .registerFunction("is_semver(string): bool", (text: string) => new SemanticVersion(text).isVersion, SYNC)
  .registerOperator(
    `${VERSION} == ${VERSION}`,
    (a: SemanticVersion, b: SemanticVersion) => a.compare(b) === 0,
  )
  .registerOperator(`${VERSION} < ${VERSION}`, (a: SemanticVersion, b: SemanticVersion) => a.compare(b) < 0)
  .registerOperator(`${VERSION} <= ${VERSION}`, (a: SemanticVersion, b: SemanticVersion) => a.compare(b) <= 0)
  .registerOperator(`${VERSION} > ${VERSION}`, (a: SemanticVersion, b: SemanticVersion) => a.compare(b) > 0)
  .registerOperator(
    `${VERSION} >= ${VERSION}`,
    (a: SemanticVersion, b: SemanticVersion) => a.compare(b) >= 0,
  );

function isAmong(rank: number | undefined, n: bigint): boolean {
  return rank !== undefined && BigInt(rank) < n;
}

export const RETENTION_RULES: RuleLanguage = {
  name: "retention rules",
  engine: ENGINE,
  variables: ["image"],
  fields: new Map([
    ["image", new Map(Object.entries(IMAGE_FIELDS))],
    [VERSION, new Map(Object.entries(VERSION_FIELDS))],
  ]),
  functions: new Map(
    [...FUNCTIONS].filter(([name]) => name !== "has_repository_policy").concat([...RETENTION_FUNCTIONS]),
  ),
  handedIn: new Map([
    ["now", { standIn: "now_of", variable: "image" }],
    ["top_pushed", { standIn: "top_pushed_of", variable: "image" }],
    ["top_pulled", { standIn: "top_pulled_of", variable: "image" }],
  ]),
  foreign: { names: new Set(["identity", "request", "has_repository_policy"]), of: "access policies" },
};
