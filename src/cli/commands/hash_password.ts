/** The `hash-password` command: from a password on the terminal or standard input to a PHC hash on standard output. */
import { faultOfPassword, hashPassword } from "../../auth/password_hash.ts";

const ENTER = 13;
const LINE_FEED = 10;
const END_OF_INPUT = 4;
const INTERRUPT = 3;
const BACKSPACE = [8, 127];

/** Bytes to read at most; what a password may have is checked when it is whole. */
const LONGEST_LINE = 4096;

/**
 * Reads a password, twice and without echo from a terminal, one line from a pipe; gives the text to print.
 *
 * @throws {Error} when it cannot be used as one, or the two differ
 */
export async function hashPasswordFromInput(): Promise<string> {
  const password = Deno.stdin.isTerminal() ? await askTwice() : await readFirstLine();
  const fault = faultOfPassword(password);
  if (fault !== undefined) throw new Error(`Cannot use the password: ${fault}`);
  return `${await hashPassword(password)}\n`;
}

async function askTwice(): Promise<string> {
  const keys = new Keys();
  // Raw from the first question to the last: in between, the terminal would echo what is typed ahead.
  Deno.stdin.setRaw(true);
  try {
    const first = await ask("Password: ", keys);
    if (first !== await ask("Again: ", keys)) throw new Error("The two passwords differ");
    return first;
  } finally {
    Deno.stdin.setRaw(false);
  }
}

async function ask(prompt: string, keys: Keys): Promise<string> {
  // The prompt goes to the other stream, so that the hash alone can be redirected.
  const say = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
  say(prompt);
  try {
    return await readLine(keys);
  } finally {
    say("\r\n");
  }
}

/** Bytes from a terminal one by one; those that were pasted ahead stay for the next question. */
class Keys {
  readonly #buffer = new Uint8Array(64);
  #typed = new Uint8Array();

  /** undefined at the end of the input. */
  async next(): Promise<number | undefined> {
    while (this.#typed.length === 0) {
      const count = await Deno.stdin.read(this.#buffer);
      if (count === null) return undefined;
      this.#typed = this.#buffer.slice(0, count);
    }
    const [key] = this.#typed;
    this.#typed = this.#typed.subarray(1);
    return key;
  }
}

async function readLine(keys: Keys): Promise<string> {
  const typed: number[] = [];
  while (typed.length <= LONGEST_LINE) {
    const key = await keys.next();
    if (key === undefined || key === ENTER || key === LINE_FEED || key === END_OF_INPUT) return decode(typed);
    if (key === INTERRUPT) throw new Error("Interrupted");
    if (BACKSPACE.includes(key)) removeLastCharacter(typed);
    else typed.push(key);
  }
  return decode(typed);
}

/** A character of UTF-8 is its first byte and the continuation bytes after it. */
function removeLastCharacter(bytes: number[]): void {
  while (bytes.length > 0) {
    const last = bytes.pop()!;
    if ((last & 0xc0) !== 0x80) return;
  }
}

async function readFirstLine(): Promise<string> {
  const bytes: number[] = [];
  for await (const chunk of Deno.stdin.readable) {
    const end = chunk.indexOf(LINE_FEED);
    bytes.push(...chunk.subarray(0, end < 0 ? LONGEST_LINE : Math.min(end, LONGEST_LINE)));
    if (end >= 0 || bytes.length > LONGEST_LINE) break;
  }
  return decode(bytes).replace(/\r$/, "");
}

function decode(bytes: readonly number[]): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(new Uint8Array(bytes));
  } catch {
    throw new Error("Cannot use the password: it is not UTF-8");
  }
}
