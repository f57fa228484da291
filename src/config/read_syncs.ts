/** Reads `[[mirror]]`: what is copied from other registries at set times. */
import { type Checking, isSet, noteMissing, noteProblem } from "./checking.ts";
import { CONNECTION, type SYNC } from "./mirror_schema.ts";
import { readUpstream } from "./read_mirror.ts";
import type { Repeated } from "./schema_item.ts";
import type { SyncSettings } from "./settings.ts";

/** Settings of each copy; a table without keys for the connection leaves it to the upstream of the same registry. */
export function readSyncs(
  tables: readonly Repeated<typeof SYNC>[],
  checking: Checking,
): SyncSettings[] {
  const places = new Map<string, string>();
  return tables.flatMap(({ at, values }, index) => {
    const path = ["mirror", String(index + 1)];
    const { from, to, tags, platforms, referrers, schedule } = values;
    if (!isSet(checking, [...path, "tags"])) {
      noteMissing(checking, [...path, "tags"], 'is missing, expected tags to copy; ["*"] stands for all');
    } else if (tags.length === 0 && checking.problems.length === 0) {
      noteProblem(checking, [...path, "tags"], 'holds no tag; ["*"] stands for all');
    }
    if (from === undefined || to === undefined) return [];
    const pair = `${from.host}/${from.repository} ${to}`;
    const place = places.get(pair);
    places.set(pair, `${at.file}:${at.line}`);
    if (place !== undefined) {
      noteProblem(checking, path, `copies the same repository to the same place as ${place}`, at);
    }
    const [upstream] = readUpstream({ ...values, url: from.origin }, path, checking);
    const isOwn = Object.keys(CONNECTION).some((name) => isSet(checking, [...path, name]));
    return [{
      from,
      to,
      tags: tags.map(({ value }) => value),
      platforms: platforms.map(({ value }) => value),
      referrers,
      schedule,
      ...(isOwn && upstream && { upstream }),
    }];
  });
}
