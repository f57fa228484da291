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

/** @throws {UsageError} for an option that the command lacks, that is there twice, or that lacks its value */
export function readOptions(args: readonly string[], names: OptionNames): Options {
  const options = new Map<string, string>();
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    const equals = arg.indexOf("=");
    const name = arg.slice(2, equals < 0 ? undefined : equals);
    if (!arg.startsWith("--")) throw new UsageError(`unexpected ${JSON.stringify(arg)}`);
    if (options.has(name)) throw new UsageError(`--${name} is there twice`);
    if (names.switches.includes(name) && equals < 0) {
      options.set(name, "");
    } else if (names.values.includes(name)) {
      const value = equals < 0 ? args[++i] : arg.slice(equals + 1);
      if (value === undefined) throw new UsageError(`--${name} needs a value`);
      options.set(name, value);
    } else {
      throw new UsageError(
        `unknown option ${arg}; this command has ${
          [...names.values, ...names.switches].map((n) => `--${n}`).join(", ")
        }`,
      );
    }
  }
  return options;
}
