/** The texts of help, and the command line that they describe. */
import {
  type CommandEntry,
  COMMANDS,
  commandsBelow,
  findCommand,
  type OptionEntry,
} from "./command_table.ts";
import { nearestName } from "../core/nearest_name.ts";

const CONFIG_OPTION: OptionEntry = {
  name: "config",
  value: "FILE",
  about: "configuration file (TOML); repeat it to lay files over each other",
};

/** Of all commands. */
export const USAGE = `Usage: simple-registry [-c FILE]... COMMAND [OPTION]...

A container registry in one program.

Commands:
${inColumns(COMMANDS.map(({ name, about }) => [name, about]))}
"simple-registry help COMMAND" and "simple-registry COMMAND --help" tell the options of a command.

Options:
  -c, --config FILE   configuration file (TOML); repeat it to lay files over each other, the last wins.
                      Without it: ./config.toml if there is one, else the built-in configuration,
                      which serves 127.0.0.1:8000 from ./data to everybody on this machine.
  -h, --help          this text, or that of the command
  -V, --version       the versions of this program, Deno and SQLite

Environment:
  SIMPLE_REGISTRY_LOG   debug, info (default), warn or error; info,auth=debug shows each certificate check
                        (where it is not set, RUST_LOG in the form of the original is understood)
  NO_COLOR              set to anything: no colours

Signals: SIGTERM and SIGINT end the server in order, a second one at once; SIGHUP makes it read its configuration,
certificates, CAs and revocation lists again.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
`;

/** Help for a command, for those that begin with a word, or for all. @throws {UsageError} where there is none of that name */
export function describeUsage(words: readonly string[]): string {
  if (words.length === 0) return USAGE;
  const below = words.length === 1 ? commandsBelow(words[0]!) : [];
  return (below.length > 0 ? below : [requireCommand(words)]).map(describeCommand).join("\n");
}

/** The help that stands below an error in these words: of the command, of those that begin so, or of all. */
export function usageFor(words: readonly string[]): string {
  if (findCommand(words) !== undefined) return describeUsage(words);
  const [first = ""] = words;
  return commandsBelow(first).length > 0 ? describeUsage([first]) : USAGE;
}

/** The command of these words. @throws {UsageError} where there is none, with what was probably meant */
export function requireCommand(words: readonly string[]): CommandEntry {
  const command = findCommand(words);
  if (command !== undefined) return command;
  const [first, ...rest] = words;
  if (first === undefined) throw new UsageError("no command");
  const below = commandsBelow(first).map(({ name }) => name);
  if (below.length > 0 && rest.length === 0) {
    throw new UsageError(`${first} is no whole command: write ${below.join(" or ")}`);
  }
  const meant = nearestName(words.join(" "), COMMANDS.map(({ name }) => name));
  const hint = meant === undefined ? "" : `, did you mean "${meant}"?`;
  throw new UsageError(`unknown command: ${words.join(" ")}${hint}`);
}

function describeCommand({ name, about, alone, options = [], notes = [], ...command }: CommandEntry): string {
  const words = [
    "simple-registry",
    ...(alone ? [] : ["[-c FILE]..."]),
    name,
    ...(command.arguments ?? []).map(({ name, choices }) => choices?.join("|") ?? name),
    ...(options.length === 0 ? [] : ["[OPTION]..."]),
  ];
  const rows = [...options, ...(alone ? [] : [CONFIG_OPTION])].map((option) =>
    [`--${option.name}${option.value === undefined ? "" : ` ${option.value}`}`, option.about] as const
  );
  return [
    `Usage: ${words.join(" ")}\n`,
    `${about[0]!.toUpperCase()}${about.slice(1)}.\n`,
    ...(rows.length === 0 ? [] : [`Options:\n${inColumns(rows)}`]),
    ...(notes.length === 0 ? [] : [`${notes.join("\n")}\n`]),
  ].join("\n");
}

function inColumns(rows: readonly (readonly [left: string, right: string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("");
}

export interface CommandLine {
  readonly configFiles: readonly string[];
  /** The words of the command, such as ["config", "check"]. */
  readonly words: readonly string[];
  /** What follows the command. */
  readonly options: readonly string[];
}

export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** @throws {UsageError} for options that do not exist or lack their value */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const configFiles: string[] = [];
  const words: string[] = [];
  const options: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "-c" || arg === "--config") {
      const file = args[++i];
      if (file === undefined || file === "") throw new UsageError(`${arg} needs a file`);
      configFiles.push(file);
    } else if (arg.startsWith("--config=")) {
      const file = arg.slice("--config=".length);
      if (file === "") throw new UsageError("--config needs a file");
      configFiles.push(file);
    } else if (arg === "-h" || arg === "--help") {
      // Of the command so far; what follows does not matter to somebody who asks for help.
      return { configFiles, words: words[0] === "help" ? words : ["help", ...words], options: [] };
    } else if (arg === "-V" || arg === "--version") {
      return { configFiles, words: ["version"], options: [] };
    } else if (takesMore(words)) {
      options.push(arg);
    } else if (arg.startsWith("-")) {
      throw new UsageError(`unknown option ${arg}`);
    } else {
      words.push(arg);
    }
  }
  return { configFiles, words, options };
}

/** Whether what follows these words is the command's own, also where it takes nothing. The words behind `help` are those of a command. */
function takesMore(words: readonly string[]): boolean {
  const command = findCommand(words);
  return command !== undefined && command.name !== "help";
}
