/** Reads from the sources every text that a person can be told when something goes wrong, with `...` for what varies. */
import { projectPath } from "./markdown.ts";

export interface ErrorText {
  /** Such as `Cannot append to upload session "...": the piece starts at ..., expected ...`. */
  readonly text: string;
  readonly file: string;
}

/**
 * What makes or tells a fault, and which of its arguments holds the text (from 0), or the property of that argument.
 * Wrong usage is not among them, which is told with the usage, nor faults of the program that nobody can mend but its authors.
 */
const CALLS: Readonly<Record<string, { readonly argument: number; readonly property?: string }>> = {
  "new OciError": { argument: 1, property: "message" },
  "new UpstreamFault": { argument: 1 },
  "new Refusal": { argument: 1 },
  "new DirectoryInUse": { argument: 0 },
  "new DatabaseTooNew": { argument: 0 },
  "new UnsafeTls": { argument: 0 },
  "new CannotListen": { argument: 0 },
  "noteProblem": { argument: 2 },
  "noteMissing": { argument: 2 },
  "problems.push": { argument: 0 },
  "warnings.push": { argument: 0 },
  "log.error": { argument: 0 },
  "log.warn": { argument: 0 },
};

const CALL = new RegExp(
  `(?<![\\w.])(?:[\\w#.]+\\.)?(${
    Object.keys(CALLS).map((name) => name.replaceAll(".", "\\.")).join("|")
  })\\(`,
  "g",
);

/** Literals that are texts wherever they stand: the manner of this program begins its refusals so. */
const REFUSAL = /["`]Cannot (?=[a-z])/g;

/** All texts of src/, each once, in the order of the files. */
export function readErrorTexts(): readonly ErrorText[] {
  const texts = new Map<string, ErrorText>();
  for (const file of sourceFiles("src")) {
    const source = withoutComments(Deno.readTextFileSync(projectPath(file)));
    const found: string[] = [];
    for (const match of source.matchAll(CALL)) {
      const { argument, property } = CALLS[match[1]!]!;
      const expression = argumentsAt(source, match.index + match[0].length)[argument];
      if (expression === undefined) continue;
      const place = property === undefined ? 0 : new RegExp(`\\b${property}:`).exec(expression);
      if (place === null) continue;
      const from = place === 0 ? 0 : place.index + place[0].length;
      found.push(textOf(argumentsAt(`${expression.slice(from)})`, 0)[0] ?? ""));
    }
    for (const { index } of source.matchAll(REFUSAL)) {
      found.push(textOf(argumentsAt(`${source.slice(index)})`, 0)[0]!));
    }
    // What is wholly made elsewhere is found there, where it is made of words.
    for (const text of found) if (/[a-z]{3}/.test(text)) texts.set(text, texts.get(text) ?? { text, file });
  }
  return [...texts.values()];
}

/** For each code the statuses that are thrown with it in the place of its own. */
export function readStatuses(): ReadonlyMap<string, readonly string[]> {
  const thrown = sourceFiles("src").flatMap((file) => {
    const source = Deno.readTextFileSync(projectPath(file));
    return [...source.matchAll(/new OciError\("([A-Z_]+)",((?:(?!new OciError)[^;])*?)\bstatus: (\d{3})/g)];
  });
  return new Map(
    [...Map.groupBy(thrown, ([, code]) => code!)].map((
      [code, found],
    ) => [code, found.map((match) => match[3]!)]),
  );
}

/** An expression as text: its literals joined, everything else as `...`. Of a choice the first branch. */
function textOf(expression: string): string {
  let text = "";
  for (let at = 0; at < expression.length;) {
    const c = expression[at]!;
    if (c === '"' || c === "'" || c === "`") {
      const end = endOfLiteral(expression, at);
      text += expression.slice(at + 1, end - 1).replace(/\$\{(?:[^{}]|\{[^{}]*\})*\}/g, "...").replace(
        /\\(.)/g,
        "$1",
      );
      at = end;
    } else if (/[\s+]/.test(c)) {
      at++;
    } else {
      const end = endOfOperand(expression, at);
      if (!text.endsWith("...")) text += "...";
      at = end;
    }
  }
  return text;
}

function endOfOperand(source: string, from: number): number {
  let depth = 0;
  for (let at = from; at < source.length; at++) {
    const c = source[at]!;
    if (c === '"' || c === "'" || c === "`") at = endOfLiteral(source, at) - 1;
    else if ("([{".includes(c)) depth++;
    else if (")]}".includes(c)) depth--;
    else if (c === "+" && depth === 0) return at;
  }
  return source.length;
}

/** The arguments of a call whose parenthesis opens before `from`. */
function argumentsAt(source: string, from: number): string[] {
  const found: string[] = [];
  let depth = 0;
  let start = from;
  for (let at = from; at < source.length; at++) {
    const c = source[at]!;
    if (c === '"' || c === "'" || c === "`") at = endOfLiteral(source, at) - 1;
    else if ("([{".includes(c)) depth++;
    else if (")]}".includes(c) && depth-- === 0) {
      return [...found, source.slice(start, at)].map((each) => each.trim());
    } else if ((c === "," || c === ";") && depth === 0) {
      found.push(source.slice(start, at).trim());
      start = at + 1;
    }
  }
  return found;
}

/** Behind the literal that begins at `from`. */
function endOfLiteral(source: string, from: number): number {
  const quote = source[from]!;
  for (let at = from + 1; at < source.length; at++) {
    if (source[at] === "\\") at++;
    else if (source[at] === quote) return at + 1;
    else if (quote === "`" && source.startsWith("${", at)) at = endOfHole(source, at + 2);
  }
  return source.length;
}

function endOfHole(source: string, from: number): number {
  let depth = 0;
  for (let at = from; at < source.length; at++) {
    const c = source[at]!;
    if (c === '"' || c === "'" || c === "`") at = endOfLiteral(source, at) - 1;
    else if (c === "{") depth++;
    else if (c === "}" && depth-- === 0) return at;
  }
  return source.length;
}

function withoutComments(source: string): string {
  return source.replace(/^\s*(\/\*\*[^]*?\*\/|\/\/.*)$/gm, "");
}

function sourceFiles(folder: string): string[] {
  return [...Deno.readDirSync(projectPath(folder))].toSorted((a, b) => a.name < b.name ? -1 : 1)
    .flatMap(({ name, isDirectory }) => {
      const path = `${folder}/${name}`;
      return isDirectory ? sourceFiles(path) : path.endsWith(".ts") ? [path] : [];
    });
}
