/** Completion for bash: a function that looks which command the line is behind (bash(1), Programmable Completion). */
import { filePlaces, kindOfValue, listPlaces, type Place } from "./completion_words.ts";

export function completeInBash(): string {
  const places = listPlaces();
  return `# bash completion for simple-registry
_simple_registry_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

_simple_registry() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} behind= next= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    next=\${COMP_WORDS[i]}
    case $next in
      -c|--config) ((i++)); continue ;;
      -*) continue ;;
    esac
    case "$behind\${behind:+ }$next" in
      ${places.filter(({ behind }) => behind !== "").map(({ behind }) => `"${behind}"`).join("|")})
        behind="$behind\${behind:+ }$next" ;;
    esac
  done
  case $before in
    -c|--config) _simple_registry_files "$word"; return ;;
  esac
  case "$behind $before" in
${places.flatMap(valuesOf).join("\n")}
  esac
  case $behind in
${
    places.map(({ behind, words }) => `    "${behind}") next="${words.map(({ word }) => word).join(" ")}" ;;`)
      .join("\n")
  }
  esac
  case $behind in
    ${filePlaces(places)}) [[ $word == -* ]] || { _simple_registry_files "$word"; return; } ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$next" -- "$word")
}

complete -F _simple_registry simple-registry
`;
}

function valuesOf({ behind, valued }: Place): string[] {
  return valued.map((option) => {
    const what = {
      files: '_simple_registry_files "$word"; ',
      choices: `mapfile -t COMPREPLY < <(compgen -W "${option.choices?.join(" ")}" -- "$word"); `,
      none: "",
    }[kindOfValue(option)];
    return `    "${behind} --${option.name}") ${what}return ;;`;
  });
}
