/** Tells whoever gave a command how far it is, without ever holding it up. */
import type { LineWriter } from "./socket_lines.ts";

/** ms between two lines of progress: more often nobody can read them. */
const PROGRESS_PAUSE_MS = 100;

/** Sends progress as fast as somebody reads it, at most ten times a second; what is older than the latest is dropped. */
export class ProgressLines {
  readonly #writer: LineWriter;
  #isWriting = false;
  #next = 0;

  constructor(writer: LineWriter) {
    this.#writer = writer;
  }

  tell(progress: unknown): void {
    if (this.#isWriting || performance.now() < this.#next) return;
    this.#next = performance.now() + PROGRESS_PAUSE_MS;
    this.#isWriting = true;
    // A caller that has gone away is noticed by the reading side.
    void this.#writer.write({ progress }).catch(() => {}).finally(() => {
      this.#isWriting = false;
    });
  }
}
