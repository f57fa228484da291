/** Repository names: `component(/component)*`, read by a linear scanner because the spec's expression can be made to backtrack. */
import { OciError } from "./oci_error.ts";
import { quote } from "./quote.ts";

/** A name in the grammar of distribution-spec "Pulling manifests"; only {@linkcode parseRepositoryName} makes one. */
export type RepositoryName = string & { readonly __brand: "RepositoryName" };

/** Longest name in characters (all are ASCII, so also bytes). */
export const LONGEST_REPOSITORY_NAME = 255;

/**
 * Parses a repository name: `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(\/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*`, at most 255 characters.
 *
 * @throws {OciError} NAME_INVALID
 */
export function parseRepositoryName(text: string): RepositoryName {
  const reason = faultOf(text);
  if (reason !== undefined) {
    throw new OciError("NAME_INVALID", {
      message: `Cannot use repository name ${quote(text)}: ${reason}`,
    });
  }
  return text as RepositoryName;
}

/** True when {@linkcode parseRepositoryName} would take the text. */
export function isRepositoryName(text: string): text is RepositoryName {
  return faultOf(text) === undefined;
}

function faultOf(text: string): string | undefined {
  if (text.length === 0) return "it is empty";
  if (text.length > LONGEST_REPOSITORY_NAME) {
    return `it has ${text.length} characters, at most ${LONGEST_REPOSITORY_NAME} are allowed`;
  }
  // A separator run is legal only between two alphanumeric characters of one component.
  let afterAlphanumeric = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!;
    if (isAlphanumeric(c)) {
      afterAlphanumeric = true;
      continue;
    }
    const end = c === "/" ? i + 1 : endOfSeparator(text, i);
    if (end === undefined) {
      return `unexpected ${quote(c)} at position ${
        i + 1
      }: use lower-case letters, digits, and single . _ __ - between them`;
    }
    if (!afterAlphanumeric) return `unexpected ${quote(c)} at position ${i + 1}`;
    if (c === "/") {
      afterAlphanumeric = false;
      continue;
    }
    if (end === text.length || !isAlphanumeric(text[end]!)) {
      return `the separator at position ${i + 1} is not followed by a letter or digit`;
    }
    i = end - 1;
  }
  return afterAlphanumeric ? undefined : "it ends with a separator";
}

/** Index after the separator (`.`, `_`, `__`, or any number of `-`) at `start`, undefined where none stands. */
function endOfSeparator(text: string, start: number): number | undefined {
  switch (text[start]) {
    case ".":
      return start + 1;
    case "_":
      return text[start + 1] === "_" ? start + 2 : start + 1;
    case "-": {
      let end = start;
      while (text[end] === "-") end++;
      return end;
    }
    default:
      return undefined;
  }
}

function isAlphanumeric(c: string): boolean {
  return (c >= "a" && c <= "z") || (c >= "0" && c <= "9");
}
