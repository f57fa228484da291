/** Every command line in the documents is one that the program takes. */
import assert from "node:assert/strict";
import { COMMANDS, commandsBelow, findCommand } from "../../src/cli/command_table.ts";
import { codesIn, readPages } from "./markdown.ts";

/** The words behind `simple-registry`, up to where the shell goes on with something else. */
function commandLinesIn(text: string): string[][] {
  const joined = text.replaceAll(/\\\n\s*/g, " ");
  // As a program, and not as a part of a path, a name or a sentence.
  const lines = joined.matchAll(
    /(?<=^|[\s(`/])simple-registry((?: +(?:'[^'\n]*'|"[^"\n]*"|[^\s|&;<>()`'"]+))*)/gm,
  );
  return [...lines].map(([, rest]) => rest!.match(/'[^']*'|"[^"]*"|\S+/g) ?? []);
}

/** What is wrong with it; undefined where nothing is, or where it is no command line but a name. */
function faultOf(words: readonly string[]): string | undefined {
  const bare: string[] = [];
  for (let i = 0; i < words.length; i++) {
    if (words[i] === "-c") i++;
    else bare.push(words[i]!);
  }
  const command = findCommand(bare.slice(0, 2)) ?? findCommand(bare.slice(0, 1));
  if (command === undefined) {
    // `install simple-registry /usr/local/bin` is not its own.
    if (bare.length === 0 || bare[0]!.includes("/")) return undefined;
    return commandsBelow(bare[0]!).length > 0 ? undefined : `no command ${bare[0]}`;
  }
  const options = bare.filter((word) => word.startsWith("--")).map((word) => word.slice(2).split("=", 1)[0]!);
  const known = ["config", "help", ...(command.options ?? []).map(({ name }) => name)];
  const unknown = options.find((option) => !known.includes(option));
  return unknown === undefined ? undefined : `${command.name} has no option --${unknown}`;
}

Deno.test("every command line that the documents show has a command of the program, with options that it has", () => {
  const seen = new Set<string>();
  const wrong: string[] = [];
  for (const { path, blocks, prose } of readPages()) {
    const scripts = blocks.filter(({ language }) => language === "sh").map(({ text }) => text);
    // A span of code may also be the name of a user or a folder.
    const spans = codesIn(prose).filter((code) =>
      code.startsWith("simple-registry -") || / [a-z-]+ --/.test(code)
    );
    for (const text of [...scripts, ...spans]) {
      for (const words of commandLinesIn(text)) {
        const fault = faultOf(words);
        if (fault !== undefined) wrong.push(`${path}: simple-registry ${words.join(" ")}: ${fault}`);
        else seen.add(words.join(" "));
      }
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(seen.size > 50, `only ${seen.size} were found`);
});

Deno.test("every command is shown in the documents by a command line", () => {
  const texts = readPages().flatMap(({ blocks, prose }) => [prose, ...blocks.map(({ text }) => text)]).join(
    "\n",
  );
  const missing = COMMANDS.filter(({ name }) =>
    !new RegExp(`simple-registry (?:-c \\S+ )*${name}\\b`).test(texts)
  );
  assert.deepEqual(missing.map(({ name }) => name), []);
});
