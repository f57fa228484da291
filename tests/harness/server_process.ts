/** Holds a server that a test started: its log lines, its readiness, its end. */

/** A server process whose output is read line by line from its start to its end. */
export class ServerProcess {
  readonly logLines: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #name: string;
  readonly #outputRead: Promise<unknown>;
  #status: Deno.CommandStatus | undefined;
  #waiting: Array<() => void> = [];

  constructor(name: string, program: string, options: Deno.CommandOptions) {
    this.#name = name;
    this.#child = new Deno.Command(program, { ...options, stdin: "null", stdout: "piped", stderr: "piped" })
      .spawn();
    this.#outputRead = Promise.all([
      this.#readLines(this.#child.stdout),
      this.#readLines(this.#child.stderr),
    ]);
    this.#child.status.then((status) => {
      this.#status = status;
      this.#wake();
    });
    // A test run that breaks off must not leave its server behind.
    globalThis.addEventListener("unload", () => this.kill("SIGKILL"));
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves to the first log line, also one already there, for which `read` gives a value; throws when the server ends first. */
  async waitForLine<T>(what: string, read: (line: string) => T | undefined, timeoutMs = 120_000): Promise<T> {
    const deadline = Date.now() + timeoutMs;
    for (let next = 0;;) {
      for (; next < this.logLines.length; next++) {
        const found = read(this.logLines[next] ?? "");
        if (found !== undefined) return found;
      }
      const left = deadline - Date.now();
      if (this.#status !== undefined) {
        await this.#outputRead;
        if (next >= this.logLines.length) throw this.#failure(`ended (${this.#status.code}) before ${what}`);
      } else if (left <= 0) {
        throw this.#failure(`did not show ${what} within ${timeoutMs} ms`);
      } else {
        await this.#nextEvent(left);
      }
    }
  }

  /** Asks the server to end by SIGTERM and resolves to its status; kills it and throws when it takes longer. */
  async stop(timeoutMs = 90_000): Promise<Deno.CommandStatus> {
    this.kill("SIGTERM");
    const deadline = Date.now() + timeoutMs;
    while (this.#status === undefined) {
      const left = deadline - Date.now();
      if (left <= 0) {
        this.kill("SIGKILL");
        await this.#child.status;
        throw this.#failure(`did not end within ${timeoutMs} ms after SIGTERM`);
      }
      await this.#nextEvent(left);
    }
    await this.#outputRead;
    return this.#status;
  }

  /** Sends a signal at once, without waiting; nothing happens when the server has ended. */
  kill(signal: Deno.Signal): void {
    if (this.#status !== undefined) return;
    try {
      this.#child.kill(signal);
    } catch (error) {
      const alreadyEnded = error instanceof TypeError || error instanceof Deno.errors.NotFound;
      if (!alreadyEnded) throw error;
    }
  }

  /** Resolves to the status once the server has ended by itself or by a signal. */
  async ended(): Promise<Deno.CommandStatus> {
    const status = await this.#child.status;
    await this.#outputRead;
    return status;
  }

  async #readLines(stream: ReadableStream<Uint8Array>): Promise<void> {
    let rest = "";
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      this.logLines.push(...lines);
      this.#wake();
    }
    if (rest !== "") this.logLines.push(rest);
  }

  #nextEvent(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#waiting.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #failure(what: string): Error {
    return new Error(`${this.#name} ${what}\n--- its last lines\n${this.logLines.slice(-40).join("\n")}`);
  }
}
