/**
 * Questions of the server to whoever gave a command, which are answered in their order: a line there, `{"bytes": N}` with N
 * bytes behind it, `{"none": true}`, or `{"failed": "..."}` back.
 */
import type { LineReader, LineWriter } from "./socket_lines.ts";

/** Bytes of a line of the caller. */
const LONGEST_LINE = 4096;

interface Ask extends PromiseWithResolvers<Uint8Array | undefined> {
  /** Where an answer of so many bytes goes; undefined for one that is too long. */
  readonly room: (size: number) => Uint8Array | undefined;
}

/** What the caller could not do. */
export class CallerFault extends Error {
  override readonly name = "CallerFault";
}

/** The server's end. */
export class CallerQuestions {
  readonly #writer: LineWriter;
  readonly #asked: Ask[] = [];
  #end: Error | undefined;

  constructor(writer: LineWriter) {
    this.#writer = writer;
  }

  /** The bytes of the answer; undefined for none. @throws {CallerFault} and {Error} when the caller has gone away */
  ask(question: unknown, room: Ask["room"]): Promise<Uint8Array | undefined> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const ask: Ask = { ...Promise.withResolvers<Uint8Array | undefined>(), room };
    this.#asked.push(ask);
    this.#writer.write(question).catch(ask.reject);
    return ask.promise;
  }

  /** Takes what the caller sends until it goes away; every question fails then. */
  async listen(reader: LineReader): Promise<void> {
    try {
      for (let line = await reader.readLine(LONGEST_LINE); line !== undefined;) {
        const ask = this.#asked.shift();
        if (ask === undefined) throw new Error("the caller sends what nobody asked for");
        await take(ask, JSON.parse(line), reader);
        line = await reader.readLine(LONGEST_LINE);
      }
    } finally {
      this.#end = new Error("whoever gave the command has gone away, and its file with it");
      for (const ask of this.#asked.splice(0)) ask.reject(this.#end);
    }
  }
}

async function take(
  { resolve, reject, room }: Ask,
  { bytes, none, failed }: { bytes?: unknown; none?: unknown; failed?: unknown },
  reader: LineReader,
): Promise<void> {
  if (typeof failed === "string") return reject(new CallerFault(failed));
  if (none === true) return resolve(undefined);
  const isSize = typeof bytes === "number" && Number.isSafeInteger(bytes) && bytes >= 0;
  const target = isSize ? room(bytes) : undefined;
  if (target === undefined) {
    reject(new Error("the caller sends another number of bytes than it was asked for"));
    throw new Error("what follows cannot be understood");
  }
  const read = reader.readBytes(target);
  read.then(() => resolve(target), reject);
  await read;
}

/** The caller's end: answers one question. */
export async function answerQuestion(
  writer: LineWriter,
  answer: () => Promise<Uint8Array | undefined>,
): Promise<void> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await answer();
  } catch (error) {
    // As much as a line may hold.
    return await writer.write({ failed: (error as Error).message.slice(0, LONGEST_LINE / 8) });
  }
  if (bytes === undefined) await writer.write({ none: true });
  else await writer.write({ bytes: bytes.length }, bytes);
}
