/** The command line of `config convert`: the original's configuration in, ours out, what to look at on standard error. */
import { ConfigError } from "../../config/config_error.ts";
import { type ConfigChange, convertConfig } from "../../config/convert_config.ts";
import { loadConfig } from "../../config/load_config.ts";
import { readWordsAndOptions } from "../options.ts";
import { UsageError } from "../usage.ts";

export interface ConvertedConfig {
  /** False where something is lost, or where the result cannot be used as it is. */
  readonly ok: boolean;
  readonly text: string;
  /** For people. */
  readonly notes: string;
}

/** @throws {UsageError} {Error} for a file that cannot be read, or is no TOML */
export function runConvertLine(args: readonly string[]): ConvertedConfig {
  const { words: [file, ...more] } = readWordsAndOptions(args, "config convert");
  if (file === undefined || more.length > 0) throw new UsageError("write: config convert FILE");
  const { text, changes } = convertConfig(Deno.readTextFileSync(file), file);
  const problems = findProblems(text);
  const lost = changes.filter(({ isLoss }) => isLoss);
  const lines = [
    ...changes.map((change) => `${file}:${change.line}: ${describeChange(change)}`),
    ...problems.map((problem) => `the result: ${problem}`),
    `${changes.length} changes, ${lost.length} of them losses; ${problems.length} problems are left`,
  ];
  return { ok: lost.length === 0 && problems.length === 0, text, notes: `${lines.join("\n")}\n` };
}

function describeChange({ key, what, isLoss }: ConfigChange): string {
  return `${isLoss ? "LOST: " : ""}${key}: ${what}`;
}

/** What `config check` would say of the result on this machine. */
function findProblems(text: string): string[] {
  try {
    loadConfig([{ file: "config.toml", text }], (name) => Deno.env.get(name), Deno.readFileSync);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
}
