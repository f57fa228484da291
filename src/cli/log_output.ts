/** Writes log lines of all threads to standard output in whole lines, without ever making a request wait. */

/** Bytes that may wait for a slow reader of the log; beyond it lines are dropped, and counted. */
const MOST_WAITING = 16 * 1024 * 1024;

/** Takes bytes, as `Deno.stdout` does: some or all of them, as soon as it can. */
export interface LogSink {
  write(bytes: Uint8Array): Promise<number>;
}

export class LogOutput {
  readonly #sink: LogSink;
  readonly #encoder = new TextEncoder();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #writing: Promise<void> | undefined;

  constructor(sink: LogSink = Deno.stdout) {
    this.#sink = sink;
  }

  /** @param lines one or more whole lines */
  write(lines: string): void {
    const bytes = this.#encoder.encode(lines);
    if (this.#waitingBytes + bytes.length > MOST_WAITING) {
      this.#dropped += countLines(bytes);
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#writing ??= this.#writeWaiting();
  }

  /** Resolves when everything is written, or after `timeoutMs` when nobody reads. */
  async flush(timeoutMs: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const expired = new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs));
    while (this.#writing !== undefined && await Promise.race([this.#writing.then(() => true), expired]));
    clearTimeout(timer);
  }

  async #writeWaiting(): Promise<void> {
    try {
      for (let bytes = this.#waiting.shift(); bytes !== undefined; bytes = this.#waiting.shift()) {
        this.#waitingBytes -= bytes.length;
        if (!await this.#writeAll(bytes)) return;
        if (this.#dropped > 0 && this.#waitingBytes < MOST_WAITING / 2) this.#reportDropped();
      }
    } finally {
      // In the same step as the last look at what waits: no line comes between the two.
      this.#writing = undefined;
    }
  }

  /** False when nobody reads the log now. The registry goes on; what waits is dropped, and counted. */
  async #writeAll(bytes: Uint8Array): Promise<boolean> {
    try {
      for (let at = 0; at < bytes.length;) at += await this.#sink.write(bytes.subarray(at));
      return true;
    } catch {
      this.#dropped += [bytes, ...this.#waiting].reduce((sum, lines) => sum + countLines(lines), 0);
      this.#waiting = [];
      this.#waitingBytes = 0;
      return false;
    }
  }

  #reportDropped(): void {
    const line = {
      time: new Date().toISOString(),
      level: "warn",
      message: "log lines dropped",
      lines: this.#dropped,
    };
    this.#dropped = 0;
    this.write(`${JSON.stringify(line)}\n`);
  }
}

function countLines(bytes: Uint8Array): number {
  const lineFeed = 10;
  let count = 0;
  for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, at + 1)) count++;
  return count;
}
