/**
 * A file of whoever gives a command, read by the server through the control socket: `{"read": {"at", "length"}}` there,
 * `{"bytes": N}` with N bytes behind it, or `{"failed": "..."}`, back. The caller opens the file with its own rights, which
 * the server, another user in the sandbox of its unit, may not have.
 */
import type { ByteSource } from "../ports/byte_source.ts";
import type { LineReader, LineWriter } from "./socket_lines.ts";

/** Bytes asked for at once. */
const MOST_BYTES = 1024 * 1024;

/** Bytes of a line of the caller. */
const LONGEST_LINE = 4096;

interface Ask extends PromiseWithResolvers<number> {
  readonly target: Uint8Array;
}

/** The server's end. Answers come in the order of the questions. */
export class CallerFile implements ByteSource {
  readonly size: number;
  readonly #writer: LineWriter;
  readonly #asked: Ask[] = [];
  #end: Error | undefined;

  constructor(size: number, writer: LineWriter) {
    this.size = size;
    this.#writer = writer;
  }

  async read(at: number, target: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      const part = target.subarray(filled, filled + MOST_BYTES);
      const read = await this.#ask(at + filled, part);
      filled += read;
      if (read < part.length) break;
    }
    return filled;
  }

  /** Takes what the caller sends until it goes away; every question fails then. */
  async listen(reader: LineReader): Promise<void> {
    try {
      for (let line = await reader.readLine(LONGEST_LINE); line !== undefined;) {
        const ask = this.#asked.shift();
        if (ask === undefined) throw new Error("the caller sends what nobody asked for");
        const { bytes, failed } = JSON.parse(line);
        if (typeof failed === "string") {
          ask.reject(new Error(failed));
        } else if (!Number.isSafeInteger(bytes) || bytes < 0 || bytes > ask.target.length) {
          ask.reject(new Error("the caller sends another number of bytes than it was asked for"));
          throw new Error("what follows cannot be understood");
        } else {
          const read = reader.readBytes(ask.target.subarray(0, bytes));
          read.then(() => ask.resolve(bytes), ask.reject);
          await read;
        }
        line = await reader.readLine(LONGEST_LINE);
      }
    } finally {
      this.#end = new Error("whoever gave the command has gone away, and its file with it");
      for (const ask of this.#asked.splice(0)) ask.reject(this.#end);
    }
  }

  #ask(at: number, target: Uint8Array): Promise<number> {
    if (this.#end !== undefined) return Promise.reject(this.#end);
    const ask: Ask = { ...Promise.withResolvers<number>(), target };
    this.#asked.push(ask);
    this.#writer.write({ read: { at, length: target.length } }).catch(ask.reject);
    return ask.promise;
  }
}

/** The caller's end: answers one question. */
export async function answerRead(
  file: ByteSource,
  { at, length }: { readonly at: number; readonly length: number },
  writer: LineWriter,
): Promise<void> {
  const target = new Uint8Array(Math.min(length, MOST_BYTES));
  let read: number;
  try {
    read = await file.read(at, target);
  } catch (error) {
    return await writer.write({ failed: (error as Error).message });
  }
  await writer.write({ bytes: read }, target.subarray(0, read));
}
