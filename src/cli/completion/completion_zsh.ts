/** Completion for zsh: a function of its completion system, with what each word means (zshcompsys(1)). */
import { filePlaces, kindOfValue, listPlaces, type Place, type Word } from "./completion_words.ts";

export function completeInZsh(): string {
  const places = listPlaces();
  return `#compdef simple-registry
_simple_registry() {
  local before=\${words[CURRENT-1]} behind= next= i
  local -a list
  for ((i = 2; i < CURRENT; i++)); do
    next=\${words[i]}
    case $next in
      (-c|--config) ((i++)); continue ;;
      (-*) continue ;;
    esac
    case "$behind\${behind:+ }$next" in
      (${places.filter(({ behind }) => behind !== "").map(({ behind }) => `"${behind}"`).join("|")})
        behind="$behind\${behind:+ }$next" ;;
    esac
  done
  case $before in
    (-c|--config) _files; return ;;
  esac
  case "$behind $before" in
${places.flatMap(valuesOf).join("\n")}
  esac
  case $behind in
${
    places.map(({ behind, words }) => `    ("${behind}") list=(${words.map(describe).join(" ")}) ;;`).join(
      "\n",
    )
  }
  esac
  case $behind in
    (${filePlaces(places)}) _files ;;
  esac
  _describe -t words word list
}

if [[ \${funcstack[1]} == _simple_registry ]]; then
  _simple_registry "$@"
else
  compdef _simple_registry simple-registry
fi
`;
}

function valuesOf({ behind, valued }: Place): string[] {
  return valued.map((option) => {
    const what = {
      files: "_files; ",
      choices: `list=(${option.choices?.map(quote).join(" ")}); _describe -t values value list; `,
      none: "",
    }[kindOfValue(option)];
    return `    ("${behind} --${option.name}") ${what}return ;;`;
  });
}

function describe({ word, about }: Word): string {
  return quote(about === "" ? word : `${word}:${about}`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
