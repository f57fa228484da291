/** The command line of `collect`: from options to the command, and its report in words. */
import type { CollectedItem, CollectReport } from "../../jobs/collect_report.ts";
import { GARBAGE_KINDS, type GarbageKind } from "../../jobs/collect_report.ts";
import type { Settings } from "../../config/settings.ts";
import { formatSize } from "../../core/format_size.ts";
import { COLLECT } from "./collect_command.ts";
import { askData, type CommandText, inJson, readDuration } from "./ask_data.ts";
import type { DataCommands } from "./data_command.ts";
import { readOptions } from "../options.ts";

/** @throws {UsageError} and what keeps the command from being done */
export async function runCollectLine(
  args: readonly string[],
  commands: DataCommands,
  settings: Settings,
): Promise<CommandText> {
  const options = readOptions(args, COLLECT);
  const grace = readDuration(options, "grace");
  const report: CollectReport = await askData(
    {
      name: COLLECT,
      args: { dry_run: options.has("dry-run"), ...(grace !== undefined && { grace_ms: grace }) },
    },
    commands,
    settings,
  );
  return {
    ok: true,
    text: options.has("json") ? inJson(report) : describeReport(report),
  };
}

const NOUNS: Readonly<Record<GarbageKind, readonly [one: string, many: string]>> = {
  referrer: ["orphaned referrer", "orphaned referrers"],
  hold: ["blob of a repository", "blobs of repositories"],
  blob: ["blob for good", "blobs for good"],
  content: ["manifest without a repository", "manifests without a repository"],
  repository: ["repository", "repositories"],
  stray: ["stray file", "stray files"],
};

export function describeReport({ dry_run, waits, counts, bytes_freed, items }: CollectReport): string {
  const lines = items.map(describeItem);
  const all = GARBAGE_KINDS.reduce((sum, kind) => sum + counts[kind], 0);
  if (all > items.length) lines.push(`... and ${all - items.length} more`);
  const parts = GARBAGE_KINDS.filter((kind) => counts[kind] > 0)
    .map((kind) => `${counts[kind]} ${NOUNS[kind][counts[kind] === 1 ? 0 : 1]}`);
  const what = parts.length === 0 ? "nothing" : `${parts.join(", ")}; ${formatSize(bytes_freed)} of blobs`;
  lines.push(`${dry_run ? "would go" : "removed"}: ${what}`);
  if (waits !== undefined) lines.push(`nothing was removed: ${waits}`);
  return `${lines.join("\n")}\n`;
}

function describeItem(item: CollectedItem): string {
  return `${describeSubject(item)}${describeAge(item)}: ${item.why}`;
}

function describeSubject({ kind, repository, digest, subject, path, bytes = 0 }: CollectedItem): string {
  switch (kind) {
    case "referrer":
      return `${repository}@${digest}, about ${subject}`;
    case "hold":
      return `${repository}: blob ${digest}, ${formatSize(bytes)}`;
    case "blob":
      return `blob ${digest}, ${formatSize(bytes)}`;
    case "content":
      return `manifest ${digest}, ${formatSize(bytes)}`;
    case "repository":
      return `${repository}`;
    case "stray":
      return `file ${path}, ${formatSize(bytes)}`;
  }
}

function describeAge({ kind, age_ms }: CollectedItem): string {
  if (age_ms === undefined) return "";
  const age = inWords(age_ms);
  return kind === "repository" ? `, made ${age} ago` : `, last used ${age} ago`;
}

function inWords(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
