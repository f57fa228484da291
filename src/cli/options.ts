/** Options of one command: `--name value` or `--name=value`, and switches without a value; all from the table of commands. */
import { findCommand } from "./command_table.ts";
import { UsageError } from "./usage.ts";

/** The options that were given, by name without dashes; a switch has the value "". */
export type Options = ReadonlyMap<string, string>;

export interface WordsAndOptions {
  /** What belongs to no option. */
  readonly words: readonly string[];
  readonly options: Options;
  /** Values of an option that may be given several times, in their order. */
  valuesOf(name: string): readonly string[];
}

/**
 * Reads the options that the table has for `command`.
 *
 * @throws {UsageError} for an option that the command lacks, that is there twice, or that lacks its value
 */
export function readOptions(args: readonly string[], command: string): Options {
  const { words, options } = readWordsAndOptions(args, command);
  if (words.length > 0) {
    const hint = findCommand(command.split(" "))?.alone ? "" : "; a configuration file is given by -c FILE";
    throw new UsageError(`unexpected ${JSON.stringify(words[0])}${hint}`);
  }
  return options;
}

/**
 * The same for a command that takes words too. A single dash is a word.
 *
 * @throws {UsageError} as {@linkcode readOptions}
 */
export function readWordsAndOptions(args: readonly string[], command: string): WordsAndOptions {
  const known = findCommand(command.split(" "))?.options ?? [];
  const words: string[] = [];
  const options = new Map<string, string>();
  const lists = new Map<string, string[]>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (!arg.startsWith("--")) {
      if (arg.startsWith("-") && arg !== "-") throw new UsageError(`unexpected ${JSON.stringify(arg)}`);
      words.push(arg);
      continue;
    }
    const equals = arg.indexOf("=");
    const name = arg.slice(2, equals < 0 ? undefined : equals);
    if (options.has(name)) throw new UsageError(`--${name} is there twice`);
    const entry = known.find((option) => option.name === name);
    if (entry === undefined || (entry.value === undefined && equals >= 0)) {
      const names = known.map((option) => `--${option.name}`).join(", ") || "none of its own";
      throw new UsageError(`unknown option ${arg}; this command has ${names}`);
    }
    const value = entry.value === undefined ? "" : equals < 0 ? args[++i] : arg.slice(equals + 1);
    if (value === undefined) throw new UsageError(`--${name} needs a value`);
    if (entry.isRepeatable) lists.set(name, [...lists.get(name) ?? [], value]);
    else options.set(name, value);
  }
  return { words, options, valuesOf: (name) => lists.get(name) ?? [] };
}
