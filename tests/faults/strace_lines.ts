/** Reads what strace wrote: calls of the system with the moments in which they began and ended, as numbers of lines. */

export interface SystemCall {
  readonly name: string;
  /** The text between its parentheses. */
  readonly args: string;
  /** What it gave back, such as "3</path>", or -1 and a reason. */
  readonly result: string;
  /** Line in which it began. */
  readonly start: number;
  /** Line in which it ended. */
  readonly end: number;
}

const WHOLE = /^(\d+) +(\w+)\((.*)\) += (.*)$/s;
const BEGUN = /^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$/s;
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (.*)$/s;

/** Calls in the order in which they began. What was under way at the end is left out. */
export function readSystemCalls(text: string): SystemCall[] {
  const calls: SystemCall[] = [];
  const open = new Map<string, { name: string; args: string; start: number }>();
  for (const [at, line] of text.split("\n").entries()) {
    const whole = WHOLE.exec(line);
    const begun = whole === null ? BEGUN.exec(line) : null;
    const resumed = whole === null && begun === null ? RESUMED.exec(line) : null;
    if (whole !== null) {
      calls.push({ name: whole[2]!, args: whole[3]!, result: whole[4]!, start: at, end: at });
    } else if (begun !== null) {
      open.set(begun[1]!, { name: begun[2]!, args: begun[3]!, start: at });
    } else if (resumed !== null) {
      const first = open.get(resumed[1]!);
      if (first === undefined) continue;
      open.delete(resumed[1]!);
      calls.push({ ...first, args: first.args + resumed[3]!, result: resumed[4]!, end: at });
    }
  }
  return calls.sort((a, b) => a.start - b.start);
}

/** The path or socket of the descriptor that stands first in arguments or in a result: strace's option -y. */
export function pathOfDescriptor(text: string): string | undefined {
  return /^\d+<((?:[^>\\]|\\.)*)>/.exec(text)?.[1]?.replace(/ ?\(deleted\)$/, "");
}

/** The strings in the arguments, as bytes. @throws {Error} for one that strace has cut short */
export function stringsOf(args: string): Uint8Array[] {
  const strings: Uint8Array[] = [];
  for (let from = args.indexOf('"'); from >= 0;) {
    const [bytes, end] = readString(args, from + 1, args.length);
    if (args.startsWith("...", end + 1)) throw new Error(`strace has cut a string: ${args.slice(0, 100)}`);
    strings.push(bytes);
    from = args.indexOf('"', end + 1);
  }
  return strings;
}

/** The beginning of the first string, as Latin-1. @param length characters at most */
export function beginningOf(args: string, length: number): string {
  const [bytes] = readString(args, args.indexOf('"') + 1, length);
  return new TextDecoder("latin1").decode(bytes);
}

const LETTERS: Record<string, number> = { n: 10, t: 9, r: 13, v: 11, f: 12, '"': 34, "\\": 92 };

/** Bytes of a string as C writes it, and the place of the quote after it. @param most characters to look at */
function readString(text: string, from: number, most: number): [bytes: Uint8Array, end: number] {
  const bytes = new Uint8Array(Math.min(most, text.length - from));
  const last = Math.min(text.length, from + most);
  let [at, length] = [from, 0];
  for (; at < last && text[at] !== '"'; length++) {
    if (text[at] !== "\\") {
      bytes[length] = text.charCodeAt(at++);
      continue;
    }
    const octal = /^[0-7]{1,3}/.exec(text.slice(at + 1, at + 4))?.[0];
    bytes[length] = octal === undefined ? LETTERS[text[at + 1]!]! : parseInt(octal, 8);
    at += 1 + (octal?.length ?? 1);
  }
  return [bytes.subarray(0, length), at];
}
