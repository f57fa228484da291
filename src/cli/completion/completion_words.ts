/** What can come next on a command line, for the writers of shell completions. */
import { type CommandEntry, COMMANDS, type OptionEntry } from "../command_table.ts";

export interface Word {
  readonly word: string;
  readonly about: string;
}

/** One place on the command line: behind these words, which are a whole command or the first word of some. */
export interface Place {
  /** "" at the start, "config", "config check". */
  readonly behind: string;
  /** Options and arguments, or the second words of commands. */
  readonly words: readonly Word[];
  /** Options that take a value. */
  readonly valued: readonly OptionEntry[];
}

const GLOBAL: readonly Word[] = [
  { word: "--config", about: "configuration file" },
  { word: "--help", about: "tell about the command" },
];

/** All places, the start first. */
export function listPlaces(): Place[] {
  const firsts = new Map<string, string>();
  const groups = new Map<string, Word[]>();
  for (const { name, about } of COMMANDS) {
    const [first, second] = name.split(" ") as [string, string | undefined];
    if (second === undefined) firsts.set(first, about);
    else {
      firsts.set(first, firsts.has(first) ? `${firsts.get(first)}; ${about}` : about);
      groups.set(first, [...groups.get(first) ?? [], { word: second, about }]);
    }
  }
  const start = [...firsts].map(([word, about]) => ({ word, about }));
  return [
    { behind: "", words: [...start, ...GLOBAL, { word: "--version", about: "print versions" }], valued: [] },
    ...[...groups].map(([behind, words]) => ({ behind, words, valued: [] })),
    ...COMMANDS.map((command) => placeBehind(command, start)),
  ];
}

function placeBehind(command: CommandEntry, start: readonly Word[]): Place {
  const { name, options = [], arguments: args = [] } = command;
  const choices = name === "help"
    ? start.map(({ word }) => word)
    : args.flatMap(({ choices = [] }) => choices);
  return {
    behind: name,
    words: [
      ...choices.map((word) => ({ word, about: name === "help" ? "tell about it" : "" })),
      ...options.map(({ name, about }) => ({ word: `--${name}`, about })),
      ...GLOBAL,
    ],
    valued: options.filter(({ value }) => value !== undefined),
  };
}

/** What the value of an option is completed with: names of files, known words, or nothing. */
export function kindOfValue({ value, choices }: OptionEntry): "files" | "choices" | "none" {
  if (choices !== undefined) return "choices";
  return value === "FILE" ? "files" : "none";
}
