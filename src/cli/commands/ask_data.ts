/** What the command lines of commands on content share: asking for one, durations among its options, its answer as text. */
import { parseDuration } from "../../config/parse_duration.ts";
import type { Settings } from "../../config/settings.ts";
import type { Log } from "../../ports/log.ts";
import { JsonLog } from "../../server/json_log.ts";
import { type DataCommands, runDataCommand } from "./data_command.ts";
import type { Options } from "../options.ts";
import { UsageError } from "../usage.ts";

interface Ask {
  readonly name: string;
  readonly args: Readonly<Record<string, unknown>>;
}

// deno-lint-ignore no-explicit-any -- answers are plain values of the commands in this folder
export type Answer = any;

export interface CommandText {
  readonly ok: boolean;
  readonly text: string;
}

/** Has the command done, by the server or here; what goes wrong on the way is told on standard error. */
export async function askData(
  { name, args }: Ask,
  commands: DataCommands,
  settings: Settings,
): Promise<Answer> {
  return await runDataCommand({ commands, name, args, settings, log: errorLog() });
}

/** What happens on the way is for the log of the server; a command tells only what went wrong. */
export function errorLog(): Log {
  return new JsonLog((line) => Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`)), "warn");
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

export function inJson(answer: unknown): string {
  return `${JSON.stringify(answer, null, 2)}\n`;
}
