/** Completion for fish: a line for each word, and the place where it may stand (complete(1) of fish). */
import { kindOfValue, listPlaces, type Place, type Word } from "./completion_words.ts";

export function completeInFish(): string {
  const places = listPlaces();
  return `# fish completion for simple-registry
function __simple_registry_behind
    set -l words (commandline -opc)
    set -e words[1]
    set -l behind ''
    while set -q words[1]
        switch $words[1]
            case -c --config
                set -e words[1]
            case '-*'
            case '*'
                set -l next (string trim -- "$behind $words[1]")
                contains -- $next ${
    places.filter(({ behind }) => behind !== "").map(({ behind }) => quote(behind)).join(" ")
  }
                and set behind $next
        end
        set -e words[1]
    end
    test "$behind" = "$argv[1]"
end

complete -c simple-registry -f
complete -c simple-registry -s c -l config -r -F -d 'configuration file'
complete -c simple-registry -s h -l help -d 'tell about the command'
${places.flatMap(linesOf).join("\n")}
`;
}

function linesOf({ behind, words, valued, takesFile }: Place): string[] {
  const at = `complete -c simple-registry -n ${quote(`__simple_registry_behind ${quote(behind)}`)}`;
  const lines = words.filter(({ word }) => word !== "--config" && word !== "--help").map((
    { word, about }: Word,
  ) => {
    const meaning = about === "" ? "" : ` -d ${quote(about)}`;
    if (!word.startsWith("--")) return `${at} -a ${quote(word)}${meaning}`;
    const option = valued.find(({ name }) => `--${name}` === word);
    const value = option && {
      files: " -r -F",
      choices: ` -x -a ${quote(option.choices?.join(" ") ?? "")}`,
      none: " -x",
    }[kindOfValue(option)];
    return `${at} -l ${word.slice(2)}${value ?? ""}${meaning}`;
  });
  return takesFile ? [...lines, `${at} -F`] : lines;
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
