/** Options of one command: `--name value` or `--name=value`, and switches without a value. */
import { UsageError } from "./usage.ts";

export interface OptionNames {
  /** Options that take a value. */
  readonly values: readonly string[];
  /** Options that do not. */
  readonly switches: readonly string[];
}

/** The options that were given, by name without dashes; a switch has the value "". */
export type Options = ReadonlyMap<string, string>;

export interface WordsAndOptions {
  /** What belongs to no option. */
  readonly words: readonly string[];
  readonly options: Options;
  /** Values of an option that may be given several times, in their order. */
  valuesOf(name: string): readonly string[];
}

/** @throws {UsageError} for an option that the command lacks, that is there twice, or that lacks its value */
export function readOptions(args: readonly string[], names: OptionNames): Options {
  const { words, options } = readWordsAndOptions(args, names);
  if (words.length > 0) throw new UsageError(`unexpected ${JSON.stringify(words[0])}`);
  return options;
}

/**
 * The same for a command that takes words too. A single dash is a word.
 *
 * @throws {UsageError} as {@linkcode readOptions}
 */
export function readWordsAndOptions(
  args: readonly string[],
  { values, switches, repeatable = [] }: OptionNames & {
    /** Options that take a value and may be there several times. */
    readonly repeatable?: readonly string[];
  },
): WordsAndOptions {
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
    const takesValue = values.includes(name) || repeatable.includes(name);
    if (switches.includes(name) && equals < 0) {
      options.set(name, "");
    } else if (takesValue) {
      const value = equals < 0 ? args[++i] : arg.slice(equals + 1);
      if (value === undefined) throw new UsageError(`--${name} needs a value`);
      if (repeatable.includes(name)) lists.set(name, [...lists.get(name) ?? [], value]);
      else options.set(name, value);
    } else {
      throw new UsageError(
        `unknown option ${arg}; this command has ${
          [...values, ...repeatable, ...switches].map((n) => `--${n}`).join(", ")
        }`,
      );
    }
  }
  return { words, options, valuesOf: (name) => lists.get(name) ?? [] };
}
