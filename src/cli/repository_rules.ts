/** The rules for content of each repository, made of the settings. */
import type { MirrorSettings, Settings, TagSettings } from "../config/settings.ts";
import { findCovering } from "../core/covering_name.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import { Pattern } from "../policy/pattern.ts";
import type { Quota } from "../ports/metadata_store.ts";
import type { MirrorRules, RepositoryRules } from "../registry/repository_rules.ts";
import type { StandIns } from "../registry/stand_ins.ts";

/** Compiles the patterns once; what it gives finds the rules for a name. */
export function makeRepositoryRules(
  { global, repositories }: Settings,
): (repository: RepositoryName) => RepositoryRules {
  const ofAll = makeRules(global);
  const byName = new Map<string, RepositoryRules>(repositories.map((each) => [each.name, makeRules(each)]));
  return byName.size === 0 ? () => ofAll : (repository) => findCovering(byName, repository) ?? ofAll;
}

export function standInsOf({ repositories }: Settings): StandIns {
  const byName = new Map(repositories.map(({ name }) => [name as string, name]));
  return {
    byRegistry: new Map(
      repositories.flatMap(({ name, namespace }) => namespace === undefined ? [] : [[namespace, name]]),
    ),
    unprefixed: repositories.find(({ unprefixed }) => unprefixed)?.name,
    isCovered: (name) => findCovering(byName, name) !== undefined,
  };
}

function makeRules(
  { tags, quota = {}, mirror, authorizationWebhook }: {
    readonly tags: TagSettings;
    readonly authorizationWebhook?: string;
    readonly quota?: Quota;
    readonly mirror?: MirrorSettings;
  },
): RepositoryRules {
  const exclusions = tags.exclusions.map(compile);
  return {
    isImmutable: (tag) => tags.immutable && !exclusions.some((pattern) => pattern.testWhole(tag)),
    allowsDeletingImmutable: tags.allowDelete || !tags.immutable,
    asksWebhook: authorizationWebhook !== undefined,
    quota,
    ...(mirror && { mirror: mirrorRulesOf(mirror) }),
  };
}

export function mirrorRulesOf({ upstreams, revalidateAfterMs, ...rules }: MirrorSettings): MirrorRules {
  return { ...rules, urls: upstreams.map(({ url }) => url), revalidateAfter: revalidateAfterMs };
}

function compile(text: string): Pattern {
  const pattern = Pattern.compile(text);
  // The configuration was checked with the same function.
  if (typeof pattern === "string") throw new Error(`immutable_tags_exclusions: ${pattern}`);
  return pattern;
}
