/** The two ends of the control socket's connections: lines of JSON both ways, and bytes behind a line. */
import { joinBytes } from "../core/join_bytes.ts";

const NEWLINE = 0x0a;

export class LineReader {
  readonly #connection: Deno.Conn;
  readonly #buffer = new Uint8Array(64 * 1024);
  /** What is read and not yet taken. */
  #rest = this.#buffer.subarray(0, 0);

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** The next line without its end; undefined at the end. @throws {Error} for one of more than `longest` bytes */
  async readLine(longest = Infinity): Promise<string | undefined> {
    const parts: Uint8Array[] = [];
    let length = 0;
    while (true) {
      const newline = this.#rest.indexOf(NEWLINE);
      const end = newline < 0 ? this.#rest.length : newline;
      length += end;
      if (length > longest) throw new Error("the line is too long");
      parts.push(this.#rest.slice(0, end));
      this.#rest = this.#rest.subarray(newline < 0 ? end : end + 1);
      if (newline >= 0) return new TextDecoder().decode(joinBytes(parts, length));
      const read = await this.#connection.read(this.#buffer);
      if (read === null) return undefined;
      this.#rest = this.#buffer.subarray(0, read);
    }
  }

  /** Fills the target. @throws {Error} when the connection ends before */
  async readBytes(target: Uint8Array): Promise<void> {
    const there = Math.min(target.length, this.#rest.length);
    target.set(this.#rest.subarray(0, there));
    this.#rest = this.#rest.subarray(there);
    for (let at = there; at < target.length;) {
      const read = await this.#connection.read(target.subarray(at));
      if (read === null) throw new Error("the connection ended in the middle of a file");
      at += read;
    }
  }
}

/** One line after the other, whoever writes. */
export class LineWriter {
  readonly #connection: Deno.Conn;
  #writing: Promise<void> = Promise.resolve();

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  /** @param bytes what comes right behind the line */
  write(value: unknown, bytes?: Uint8Array): Promise<void> {
    const line = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
    const writing = this.#writing.then(async () => {
      await this.#writeFully(line);
      if (bytes !== undefined) await this.#writeFully(bytes);
    });
    this.#writing = writing.catch(() => {});
    return writing;
  }

  async #writeFully(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#connection.write(bytes.subarray(at));
  }
}
