/** Writes log lines of all threads to standard output in whole lines, without ever making a request wait. */

/** Bytes that may wait for a slow reader of the log; beyond it lines are dropped, and counted. */
const MOST_WAITING = 16 * 1024 * 1024;

export class LogOutput {
  readonly #encoder = new TextEncoder();
  #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #dropped = 0;
  #writing: Promise<void> | undefined;

  /** @param lines one or more whole lines */
  write(lines: string): void {
    const bytes = this.#encoder.encode(lines);
    if (this.#waitingBytes + bytes.length > MOST_WAITING) {
      this.#dropped += lines.split("\n").length - 1;
      return;
    }
    this.#waiting.push(bytes);
    this.#waitingBytes += bytes.length;
    this.#writing ??= this.#writeWaiting().finally(() => this.#writing = undefined);
  }

  /** Resolves when everything is written, or after `timeoutMs` when nobody reads. */
  async flush(timeoutMs: number): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const expired = new Promise<void>((resolve) => timer = setTimeout(resolve, timeoutMs));
    while (this.#writing !== undefined && await Promise.race([this.#writing.then(() => true), expired]));
    clearTimeout(timer);
  }

  async #writeWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const bytes = this.#waiting.shift()!;
      this.#waitingBytes -= bytes.length;
      try {
        for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
      } catch {
        // Nobody reads the log any more; the registry goes on.
        this.#waiting = [];
        this.#waitingBytes = 0;
      }
      if (this.#dropped > 0 && this.#waitingBytes < MOST_WAITING / 2) this.#reportDropped();
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
