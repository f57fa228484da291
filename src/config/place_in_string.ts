/** Finds the line and column of one character of a string, behind quotation marks, escapes and line breaks. */
import type { Place, StringNode } from "./document.ts";

/** Where the character at `offset` (from 0) stands in the file; the start of the string where that cannot be told. */
export function placeInString(node: StringNode, offset: number): Place {
  const { token, at } = node;
  const quotes = /^("""|'''|"|')/.exec(token)?.[0];
  if (quotes === undefined || node.value !== node.raw || offset > node.value.length) return at;
  const escapes = quotes.startsWith('"');
  let index = quotes.length;
  // TOML "String": a newline right behind the opening quotation marks is no part of the string.
  if (quotes.length === 3) index += /^\r?\n/.exec(token.slice(index))?.[0].length ?? 0;
  for (let passed = 0; index < token.length - quotes.length;) {
    const piece = escapes ? readEscape(token, index) : undefined;
    const stands = piece?.stands ?? 1;
    if (stands > 0 && passed + stands > offset) break;
    passed += stands;
    index += piece?.length ?? 1;
  }
  return placeInToken(token, index, at);
}

/** The escape that begins at `index`: how long it is, and for how many characters it stands. */
function readEscape(token: string, index: number): { length: number; stands: number } | undefined {
  if (token[index] !== "\\") return undefined;
  const rest = token.slice(index);
  const lineEnd = /^\\[ \t]*\r?\n\s*/.exec(rest);
  if (lineEnd !== null) return { length: lineEnd[0].length, stands: 0 };
  const [escape = "", digits] =
    /^\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8}))/.exec(rest)?.filter((part) =>
      part !== undefined
    ) ?? [];
  if (digits === undefined) return { length: 2, stands: 1 };
  return { length: escape.length, stands: Number.parseInt(digits, 16) > 0xffff ? 2 : 1 };
}

function placeInToken(token: string, index: number, { file, line, column }: Place): Place {
  const lines = token.slice(0, index).split("\n");
  const last = lines[lines.length - 1]!.length;
  return lines.length === 1
    ? { file, line, column: column + last }
    : { file, line: line + lines.length - 1, column: last + 1 };
}
