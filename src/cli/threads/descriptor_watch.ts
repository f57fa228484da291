/** Notices that the process has no file descriptor left, and that it has some again. */

export interface DescriptorWatchOptions {
  /** A file or folder that can be opened, unless no descriptor is free. */
  readonly openable: string;
  /** ms between two looks. */
  readonly everyMs: number;
  /** Called when none is free, with what the system says. */
  readonly onNone: (reason: string) => void;
  /** Called when there are some again. */
  readonly onSome: () => void;
}

export class DescriptorWatch {
  readonly #timer: ReturnType<typeof setInterval>;
  #lacks = false;

  constructor(options: DescriptorWatchOptions) {
    this.#timer = setInterval(() => this.#look(options), options.everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look({ openable, onNone, onSome }: DescriptorWatchOptions): void {
    try {
      Deno.openSync(openable).close();
      if (this.#lacks) onSome();
      this.#lacks = false;
    } catch (fault) {
      // Not its stack: to write that out, `deno run` opens files, and ends the process when it cannot (2.9.8).
      const { code, message } = fault as { code?: string; message: string };
      if (code !== "EMFILE" && code !== "ENFILE") return;
      if (!this.#lacks) onNone(message);
      this.#lacks = true;
    }
  }
}
