/** Checks the configured repositories: names in the grammar, none inside another, and what holds in each. */
import { OciError } from "../core/oci_error.ts";
import { parseRepositoryName, type RepositoryName } from "../core/repository_name.ts";
import type { WebhookNames } from "./check_webhook_names.ts";
import { type Checking, noteProblem } from "./checking.ts";
import { readAccessPolicy } from "./read_access_policy.ts";
import type { Place } from "./document.ts";
import type { REPOSITORY } from "./schema.ts";
import type { Named } from "./schema_item.ts";
import { readRetentionRules, type RetentionReading } from "./read_retention.ts";
import { readMirror } from "./read_mirror.ts";
import { readTagSettings } from "./read_tag_settings.ts";
import type { RepositorySettings, TagSettings } from "./settings.ts";

/** What holds for every repository, as far as a repository can change it. */
export interface GlobalSettings {
  readonly webhookNames: WebhookNames;
  readonly tags: TagSettings;
  readonly retention: RetentionReading;
}

/** Settings of each repository. Names inside one another would leave open which table holds for a push. */
export function checkRepositories(
  tables: readonly Named<typeof REPOSITORY>[],
  global: GlobalSettings,
  checking: Checking,
): RepositorySettings[] {
  const places = new Map(tables.map((table) => [table.name, table.at]));
  checkStandIns(tables, checking);
  return tables.flatMap(({ name: text, at, values }) => {
    const path = ["repository", text];
    const outer = outerNames(text).find((candidate) => places.has(candidate));
    if (outer !== undefined) {
      const { file, line } = places.get(outer)!;
      const message =
        `lies inside [repository."${outer}"] (${file}:${line}), and one repository can have one table only`;
      noteProblem(checking, path, message, at);
    }
    const name = readName(text, path, checking, at);
    const accessPolicy = readAccessPolicy(values.access_policy, [...path, "access_policy"], checking);
    const authorizationWebhook = global.webhookNames.ofRepository.get(text);
    const tags = readTagSettings(values, path, checking, global.tags);
    const retentionRules = readRetentionRules(
      values.retention_policy,
      [...path, "retention_policy"],
      global.retention,
    );
    const mirror = readMirror(values, path, checking);
    if (name === undefined) return [];
    return [{
      name,
      unprefixed: values.unprefixed,
      ...(values.namespace !== undefined && { namespace: values.namespace }),
      ...(mirror && { mirror }),
      retentionRules,
      tags,
      quota: {
        ...(values.quota_bytes !== undefined && { bytes: values.quota_bytes }),
        ...(values.quota_manifests !== undefined && { manifests: values.quota_manifests }),
        ...(values.quota_tags !== undefined && { tags: values.quota_tags }),
      },
      ...(accessPolicy && { accessPolicy }),
      ...(authorizationWebhook !== undefined && { authorizationWebhook }),
    }];
  });
}

/** A name that two repositories stand for would leave open where to look. */
function checkStandIns(tables: readonly Named<typeof REPOSITORY>[], checking: Checking): void {
  const seen = new Map<string, string>();
  for (const { name, values: { namespace, unprefixed } } of tables) {
    const claims = [
      ...(namespace === undefined ? [] : [["namespace", `the namespace "${namespace}"`] as const]),
      ...(unprefixed ? [["unprefixed", "names without a prefix"] as const] : []),
    ];
    for (const [key, claim] of claims) {
      const other = seen.get(claim);
      if (other === undefined) seen.set(claim, name);
      else {noteProblem(
          checking,
          ["repository", name, key],
          `${claim} is that of [repository."${other}"] already`,
        );}
    }
  }
}

function readName(
  text: string,
  path: readonly string[],
  checking: Checking,
  at: Place,
): RepositoryName | undefined {
  try {
    return parseRepositoryName(text);
  } catch (fault) {
    if (!(fault instanceof OciError)) throw fault;
    noteProblem(checking, path, fault.message, at);
    return undefined;
  }
}

/** `a` and `a/b` of `a/b/c`. */
function outerNames(name: string): string[] {
  const components = name.split("/");
  return components.slice(1).map((_, index) => components.slice(0, index + 1).join("/"));
}
