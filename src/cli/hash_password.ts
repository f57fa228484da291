/** The `hash-password` command: from a password on the terminal or standard input to a PHC hash on standard output. */
import { hashPassword } from "../auth/password_hash.ts";

const ENTER = 13;
const LINE_FEED = 10;
const END_OF_INPUT = 4;
const INTERRUPT = 3;
const BACKSPACE = [8, 127];

/** Bytes of a password; a longer one could not be sent in a header anyway. */
const LONGEST = 1000;

/**
 * Reads a password, twice and without echo from a terminal, one line from a pipe; gives the text to print.
 *
 * @throws {Error} when it is empty, too long, or the two differ
 */
export async function hashPasswordFromInput(): Promise<string> {
  const password = Deno.stdin.isTerminal() ? await askTwice() : await readFirstLine();
  if (password === "") throw new Error("Cannot hash an empty password");
  return `${await hashPassword(password)}\n`;
}

async function askTwice(): Promise<string> {
  const first = await ask("Password: ");
  if (first !== await ask("Again: ")) throw new Error("The two passwords differ");
  return first;
}

async function ask(prompt: string): Promise<string> {
  // The prompt goes to the other stream, so that the hash alone can be redirected.
  const say = (text: string) => Deno.stderr.writeSync(new TextEncoder().encode(text));
  say(prompt);
  Deno.stdin.setRaw(true);
  try {
    return await readKeys();
  } finally {
    Deno.stdin.setRaw(false);
    say("\n");
  }
}

async function readKeys(): Promise<string> {
  const typed: number[] = [];
  const key = new Uint8Array(64);
  while (true) {
    const count = await Deno.stdin.read(key);
    if (count === null) return decode(typed);
    for (const byte of key.subarray(0, count)) {
      if (byte === ENTER || byte === LINE_FEED || byte === END_OF_INPUT) return decode(typed);
      if (byte === INTERRUPT) throw new Error("Interrupted");
      if (BACKSPACE.includes(byte)) removeLastCharacter(typed);
      else typed.push(byte);
      if (typed.length > LONGEST) throw tooLong();
    }
  }
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
    bytes.push(...(end < 0 ? chunk : chunk.subarray(0, end)));
    if (bytes.length > LONGEST) throw tooLong();
    if (end >= 0) break;
  }
  return decode(bytes).replace(/\r$/, "");
}

function decode(bytes: readonly number[]): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(new Uint8Array(bytes));
}

function tooLong(): Error {
  return new Error(`The password is longer than ${LONGEST} bytes`);
}
