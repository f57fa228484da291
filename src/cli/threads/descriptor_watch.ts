/** Notices that the process has no file descriptor left. */

export interface DescriptorWatchOptions {
  /** A file or folder that can be opened, unless no descriptor is free. */
  readonly openable: string;
  /** ms between two looks. */
  readonly everyMs: number;
  /** Called at each look that finds none free: with the reason at the first of them, without it at those that follow. */
  readonly onNone: (reason: string | undefined) => void;
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

  #look({ openable, onNone }: DescriptorWatchOptions): void {
    try {
      Deno.openSync(openable).close();
      this.#lacks = false;
    } catch (fault) {
      // Not its stack: to write that out, `deno run` opens files, and ends the process when it cannot (2.9.8).
      const { code, message } = fault as { code?: string; message: string };
      if (code !== "EMFILE" && code !== "ENFILE") return;
      onNone(this.#lacks ? undefined : message);
      this.#lacks = true;
    }
  }
}
