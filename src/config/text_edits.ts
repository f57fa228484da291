/** Changes to a text that keep everything else as it stands, comments and blank lines included: by offset, and by line. */

interface Replacement {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** Lines count from 1. Offsets are those of the original text, and no two replacements touch. */
export class TextEdits {
  readonly #text: string;
  readonly #replacements: Replacement[] = [];
  readonly #above = new Map<number, string[]>();
  readonly #commentedOut = new Set<number>();
  readonly #below: string[] = [];

  constructor(text: string) {
    this.#text = text;
  }

  /** Puts other text in the place of what stands from one offset to another. */
  replace(from: number, to: number, text: string): void {
    this.#replacements.push({ from, to, text });
  }

  /** A line of its own above a line, indented like it. */
  insertAbove(line: number, text: string): void {
    this.#above.set(line, [...this.#above.get(line) ?? [], text]);
  }

  /** Makes a comment of lines, both included. */
  commentOut(first: number, last: number): void {
    for (let line = first; line <= last; line++) this.#commentedOut.add(line);
  }

  /** Lines after the last one. */
  append(...lines: string[]): void {
    this.#below.push(...lines);
  }

  apply(): string {
    const lines = this.#replaced().split("\n");
    const result = lines.flatMap((line, index) => {
      const indent = /^[ \t]*/.exec(line)![0];
      const above = (this.#above.get(index + 1) ?? []).map((text) => `${indent}${text}`);
      const isOut = this.#commentedOut.has(index + 1) && line.trim() !== "" &&
        !line.trimStart().startsWith("#");
      return [...above, isOut ? `${indent}# ${line.slice(indent.length)}` : line];
    });
    // Above a line that is not there is below the last one.
    for (const [line, texts] of this.#above) if (line > lines.length) result.push(...texts);
    while (result.at(-1) === "") result.pop();
    return `${[...result, ...this.#below].join("\n")}\n`;
  }

  /** No replacement has a line break more or less than what it replaces, so that lines keep their numbers. */
  #replaced(): string {
    let text = this.#text;
    for (const { from, to, text: by } of this.#replacements.toSorted((a, b) => b.from - a.from)) {
      text = text.slice(0, from) + by + text.slice(to);
    }
    return text;
  }
}
