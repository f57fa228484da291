/** Ctrl-C and SIGTERM for a command that has to tidy up: asks it to stop, and ends the process at once the second time. */

export class Interruption implements Disposable {
  readonly #stop = new AbortController();
  readonly #onSignal = (): void => {
    if (this.#stop.signal.aborted) Deno.exit(1);
    this.#stop.abort(new Error("interrupted"));
  };

  constructor() {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(signal, this.#onSignal);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  [Symbol.dispose](): void {
    for (const signal of ["SIGINT", "SIGTERM"] as const) Deno.removeSignalListener(signal, this.#onSignal);
  }
}
