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
  /** True where the name of a file may stand. */
  readonly takesFile: boolean;
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
  const nothing = { valued: [], takesFile: false };
  return [
    { behind: "", words: [...start, ...GLOBAL, { word: "--version", about: "print versions" }], ...nothing },
    ...[...groups].map(([behind, words]) => ({ behind, words, ...nothing })),
    ...COMMANDS.flatMap((command) => {
      const place = placeBehind(command, start);
      return command.alias === undefined ? [place] : [place, { ...place, behind: command.alias }];
    }),
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
    takesFile: args.some(({ name }) => /\bFILE\b/.test(name)),
  };
}

/** What the value of an option is completed with: names of files, known words, or nothing. */
export function kindOfValue({ value, choices }: OptionEntry): "files" | "choices" | "none" {
  if (choices !== undefined) return "choices";
  return value === "FILE" || value === "DIRECTORY" ? "files" : "none";
}

/** The places of this kind, as shells write alternatives. */
export function filePlaces(places: readonly Place[]): string {
  return places.filter(({ takesFile }) => takesFile).map(({ behind }) => `"${behind}"`).join("|");
}
