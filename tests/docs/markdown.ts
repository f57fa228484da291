/** Reads the project's documents: fenced blocks, headings, tables and links, each with its line. */
import { fileURLToPath } from "node:url";

const ROOT = new URL("../../", import.meta.url);

/** A fenced block. What stands behind its language says what the tests do with it. */
export interface Block {
  /** First word behind the fence, such as "toml"; "" for none. */
  readonly language: string;
  /** The other words. */
  readonly words: readonly string[];
  readonly text: string;
  /** Title of the section that it stands in. */
  readonly heading: string;
  /** Of the opening fence, from 1. */
  readonly line: number;
}

export interface TableRow {
  /** Cells as they are written, backticks included. */
  readonly cells: readonly string[];
  /** Titles of the headings above, the page's first. */
  readonly headings: readonly string[];
  readonly line: number;
}

export interface Page {
  /** Such as "docs/access-control.md". */
  readonly path: string;
  readonly text: string;
  /** The text without its blocks. */
  readonly prose: string;
  readonly blocks: readonly Block[];
  readonly headings: readonly string[];
  readonly rows: readonly TableRow[];
  /** Targets of links, as they are written. */
  readonly links: readonly { readonly target: string; readonly line: number }[];
}

/** Absolute path of a file of the project. */
export function projectPath(path: string): string {
  return fileURLToPath(new URL(path, ROOT));
}

/** README.md and everything below docs/. */
export function readPages(): Page[] {
  const docs = [...Deno.readDirSync(projectPath("docs"))]
    .map((entry) => `docs/${entry.name}`)
    .filter((path) => path.endsWith(".md"))
    .toSorted();
  return ["README.md", ...docs].map(readPage);
}

export function readPage(path: string): Page {
  return parsePage(path, Deno.readTextFileSync(projectPath(path)));
}

/** @throws {Error} for a fence that does not end */
export function parsePage(path: string, text: string): Page {
  const lines = text.split("\n");
  const blocks: Block[] = [];
  const headings: string[] = [];
  const rows: TableRow[] = [];
  const links: { target: string; line: number }[] = [];
  const trail: string[] = [];
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index]!;
    const number = index + 1;
    // A block inside a list is indented as a whole.
    const fence = /^( *)```(.*)$/.exec(line);
    if (fence !== null) {
      const [, indent = "", info = ""] = fence;
      const end = lines.indexOf(`${indent}\`\`\``, index + 1);
      if (end < 0) throw new Error(`${path}:${number}: the block does not end`);
      const [language = "", ...words] = info.trim().split(/\s+/);
      const inside = lines.slice(index + 1, end).map((each) =>
        each.startsWith(indent) ? each.slice(indent.length) : each.trimStart()
      );
      const text = inside.join("\n") + "\n";
      blocks.push({ language, words, text, heading: trail.at(-1) ?? "", line: number });
      index = end;
      continue;
    }
    const heading = /^(#+) (.*)$/.exec(line);
    if (heading !== null) {
      trail.splice(heading[1]!.length - 1, Infinity, heading[2]!);
      headings.push(heading[2]!);
    }
    if (line.startsWith("| ")) {
      const cells = line.slice(1, line.lastIndexOf("|")).split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll("\\|", "|"));
      rows.push({ cells, headings: [...trail], line: number });
    }
    for (const [, target] of line.matchAll(/\]\(([^)\s]+)\)/g)) links.push({ target: target!, line: number });
  }
  const prose = text.replace(/^( *)```[\s\S]*?^\1```$/gm, "");
  return { path, text, prose, blocks, headings, rows, links };
}

/** The name that a link to a heading uses: lower case, blanks as "-", other signs left out. */
export function anchorOf(heading: string): string {
  return heading.toLowerCase().replace(/[^\p{L}\p{N}\p{Pc} -]/gu, "").replaceAll(" ", "-");
}

/** The texts between backticks. */
export function codesIn(text: string): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code]) => code!);
}
