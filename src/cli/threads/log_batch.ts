/** Gathers a thread's log lines, so that a line costs no message of its own. */

/** ms that a line may wait for others. */
const WAIT_MS = 50;

/** Characters after which a batch goes at once. */
const FULL = 64 * 1024;

export class LogBatch {
  readonly #send: (lines: string) => void;
  #lines: string[] = [];
  #length = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(send: (lines: string) => void) {
    this.#send = send;
  }

  /** @param line with its line feed */
  readonly write = (line: string, urgent: boolean): void => {
    this.#lines.push(line);
    this.#length += line.length;
    if (urgent || this.#length >= FULL) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), WAIT_MS);
  };

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#lines.length === 0) return;
    this.#send(this.#lines.join(""));
    this.#lines = [];
    this.#length = 0;
  }
}
