/**
 * A file of whoever gives a command, read by the server through the control socket: `{"read": {"at", "length"}}`. The caller
 * opens the file with its own rights, which the server, another user in the sandbox of its unit, may not have.
 */
import type { ByteSource } from "../ports/byte_source.ts";
import type { CallerQuestions } from "./caller_questions.ts";

/** Bytes asked for at once. */
const MOST_BYTES = 1024 * 1024;

/** What the caller is asked. */
export interface ReadQuestion {
  readonly at: number;
  readonly length: number;
}

/** The server's end. */
export class CallerFile implements ByteSource {
  readonly size: number;
  readonly #questions: CallerQuestions;

  constructor(size: number, questions: CallerQuestions) {
    this.size = size;
    this.#questions = questions;
  }

  read(at: number, target: Uint8Array): Promise<number> {
    return readInParts(at, target, async (read, part) => {
      const bytes = await this.#questions.ask({ read }, roomIn(part));
      return bytes?.length ?? 0;
    });
  }
}

/** Fills the target by questions that are no longer than a caller answers. */
export async function readInParts(
  at: number,
  target: Uint8Array,
  ask: (question: ReadQuestion, part: Uint8Array) => Promise<number>,
): Promise<number> {
  let filled = 0;
  while (filled < target.length) {
    const part = target.subarray(filled, filled + MOST_BYTES);
    const read = await ask({ at: at + filled, length: part.length }, part);
    filled += read;
    if (read < part.length) break;
  }
  return filled;
}

/** An answer goes to the beginning of the part, where it fits. */
export function roomIn(part: Uint8Array): (size: number) => Uint8Array | undefined {
  return (size) => size <= part.length ? part.subarray(0, size) : undefined;
}

/** The caller's end: what it reads into. One question is answered after the other, so one buffer is enough. */
export class AnswerBuffer {
  #bytes = new Uint8Array(0);

  take(length: number): Uint8Array {
    if (this.#bytes.length < length) this.#bytes = new Uint8Array(length);
    return this.#bytes.subarray(0, length);
  }
}

/** The caller's end. */
export async function readForServer(
  { at, length }: ReadQuestion,
  buffer: AnswerBuffer,
  read: (at: number, target: Uint8Array) => Promise<number>,
): Promise<Uint8Array> {
  const target = buffer.take(Math.min(length, MOST_BYTES));
  return target.subarray(0, await read(at, target));
}
