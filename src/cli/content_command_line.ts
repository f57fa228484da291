/** The command lines of `retention`, `tags` and `delete`: from words and options to a command on content and its text. */
import { parseDuration } from "../config/parse_duration.ts";
import type { Settings } from "../config/settings.ts";
import { JsonLog } from "../server/json_log.ts";
import { type DataCommands, runDataCommand } from "./data_command.ts";
import { type Options, readOptions } from "./options.ts";
import { UsageError } from "./usage.ts";

interface Ask {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

// deno-lint-ignore no-explicit-any -- answers are plain values of the commands in this folder
type Answer = any;

export interface CommandText {
  readonly ok: boolean;
  readonly text: string;
}

/** @throws {UsageError} and what keeps the command from being done */
export async function runRetentionLine(
  args: readonly string[],
  commands: DataCommands,
  settings: Settings,
): Promise<CommandText> {
  const options = readOptions(args, { values: ["max-removals-percent"], switches: ["dry-run", "json"] });
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
  args: readonly string[],
  commands: DataCommands,
  settings: Settings,
): Promise<CommandText> {
  const [verb, repository, tag, ...rest] = args;
  if ((verb !== "history" && verb !== "restore") || repository === undefined || tag === undefined) {
    throw new UsageError("write: tags history REPOSITORY TAG, or: tags restore REPOSITORY TAG --to DIGEST");
  }
  const options = readOptions(rest, { values: verb === "restore" ? ["to"] : [], switches: ["json"] });
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
  const options = readOptions(rest, { values: ["tags", "older-than"], switches: ["dry-run", "json"] });
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

/** Has the command done, by the server or here; what goes wrong on the way is told on standard error. */
export async function askData(
  { name, args }: Ask,
  commands: DataCommands,
  settings: Settings,
): Promise<Answer> {
  // What happens on the way is for the log of the server; here only what went wrong.
  const log = new JsonLog((line) => Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`)), "warn");
  return await runDataCommand({ commands, name, args, settings, log });
}

/** ms; undefined where the option was not given. @throws {UsageError} */
export function readDuration(options: Options, name: string): number | undefined {
  const text = options.get(name);
  if (text === undefined) return undefined;
  const ms = parseDuration(text);
  if (ms === undefined || ms > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new UsageError(`--${name} takes a duration such as 30d or 12h, not ${text}`);
  }
  return Number(ms);
}

function inJson(answer: Answer): string {
  return `${JSON.stringify(answer, null, 2)}\n`;
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
