/** The command lines of `retention`, `tags` and `delete`: from words and options to a command on content and its text. */
import type { Settings } from "../../config/settings.ts";
import { type Answer, askData, type CommandText, inJson, readDuration } from "./ask_data.ts";
import type { DataCommands } from "./data_command.ts";
import { readOptions } from "../options.ts";
import { UsageError } from "../usage.ts";

/** @throws {UsageError} and what keeps the command from being done */
export async function runRetentionLine(
  args: readonly string[],
  commands: DataCommands,
  settings: Settings,
): Promise<CommandText> {
  const options = readOptions(args, "retention");
  const percent = options.get("max-removals-percent");
  if (percent !== undefined && !/^(100|[0-9]{1,2})$/.test(percent)) {
    throw new UsageError(`--max-removals-percent takes a whole number from 0 to 100, not ${percent}`);
  }
  const answer = await askData(
    {
      name: "retention",
      args: {
        dry_run: options.has("dry-run"),
        ...(percent !== undefined && { max_removals_percent: Number(percent) }),
      },
    },
    commands,
    settings,
  );
  return {
    ok: answer.stopped === undefined,
    text: options.has("json") ? inJson(answer) : describeRetention(answer),
  };
}

export async function runTagsLine(
  verb: "history" | "restore",
  args: readonly string[],
  commands: DataCommands,
  settings: Settings,
): Promise<CommandText> {
  const [repository, tag, ...rest] = args;
  if (repository === undefined || tag === undefined) {
    throw new UsageError("write: tags history REPOSITORY TAG, or: tags restore REPOSITORY TAG --to DIGEST");
  }
  const options = readOptions(rest, `tags ${verb}`);
  if (verb === "history") {
    const answer = await askData({ name: "tags history", args: { repository, tag } }, commands, settings);
    return { ok: true, text: options.has("json") ? inJson(answer) : describeHistory(answer) };
  }
  const to = options.get("to");
  if (to === undefined) {
    throw new UsageError("tags restore needs --to DIGEST; tags history shows the digests");
  }
  const answer = await askData({ name: "tags restore", args: { repository, tag, to } }, commands, settings);
  const before = answer.previous === undefined ? "it was deleted" : `before: ${answer.previous}`;
  const text = options.has("json")
    ? inJson(answer)
    : `${repository}:${tag} names ${answer.digest} again (${before})\n`;
  return { ok: true, text };
}

export async function runDeleteLine(
  args: readonly string[],
  commands: DataCommands,
  settings: Settings,
): Promise<CommandText> {
  const [repository, ...rest] = args;
  if (repository === undefined || repository.startsWith("-")) {
    throw new UsageError("write: delete REPOSITORY --tags 'PATTERN' [--older-than DURATION] [--dry-run]");
  }
  const options = readOptions(rest, "delete");
  const tags = options.get("tags");
  if (!tags) throw new UsageError("delete needs --tags 'PATTERN'; '*' stands for all");
  const answer = await askData(
    {
      name: "delete",
      args: {
        repository,
        tags,
        older_than_ms: readDuration(options, "older-than") ?? 0,
        dry_run: options.has("dry-run"),
      },
    },
    commands,
    settings,
  );
  return {
    ok: true,
    text: options.has("json") ? inJson(answer) : describeDeletion(answer, repository, options.has("dry-run")),
  };
}

function describeRetention({ dry_run, stopped, judged, tags, manifests, removals }: Answer): string {
  const lines = removals.map(({ repository, tag, digest, why }: Answer) =>
    `${repository}${tag === undefined ? `@${digest}` : `:${tag} (${digest})`}: ${why}`
  );
  const more = tags + manifests - removals.length;
  if (more > 0) lines.push(`... and ${more} more`);
  const verb = dry_run || stopped !== undefined ? "would go" : "removed";
  lines.push(
    `${verb}: ${tags} of ${judged.tags} tags, ${manifests} of ${judged.manifests} manifests, ` +
      `in ${judged.repositories} repositories with retention rules`,
  );
  if (stopped !== undefined) lines.push(`nothing was removed: ${stopped}`);
  return `${lines.join("\n")}\n`;
}

function describeHistory({ repository, tag, current, changes }: Answer): string {
  const lines = changes.map(({ at, digest, previous, restorable }: Answer) => {
    const what = digest === undefined ? "deleted" : `names ${digest}`;
    const before = previous === undefined
      ? ""
      : `, before ${previous}${restorable ? "" : " (deleted since)"}`;
    return `${at} ${what}${before}`;
  });
  return [`${repository}:${tag} ${current === undefined ? "is deleted" : `names ${current}`}`, ...lines, ""]
    .join("\n");
}

function describeDeletion({ tags, immutable }: Answer, repository: string, dryRun: boolean): string {
  const lines = tags.map(({ tag, digest }: Answer) => `${repository}:${tag} (${digest})`);
  for (const tag of immutable) lines.push(`${repository}:${tag} stays: it is immutable`);
  lines.push(`${dryRun ? "would delete" : "deleted"} ${tags.length} tags`);
  return `${lines.join("\n")}\n`;
}
