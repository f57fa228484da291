/**
 * The socket over which commands speak to the running server that owns a data directory: one JSON line there, any number
 * of `{"progress": ...}` lines and one `{"answer": ...}` or `{"error": "..."}` line back.
 */

export type ControlArguments = Readonly<Record<string, unknown>>;
export type ControlAnswer = Readonly<Record<string, unknown>>;

/** How far long work is. */
export interface Progress {
  /** What is being done, such as "blobs". */
  readonly what: string;
  readonly done: number;
  /** Absent where nobody knows it. */
  readonly total?: number;
  readonly unit: "bytes" | "items";
}

/** The one who waits for a command. */
export interface ControlCaller {
  /** Tells how far the work is; never waits. */
  progress(progress: Progress): void;
  /** Aborted when the caller has gone away. */
  readonly signal: AbortSignal;
}

export type ControlCommand = (args: ControlArguments, caller: ControlCaller) => Promise<ControlAnswer>;
export type ControlCommands = Readonly<Record<string, ControlCommand>>;

/** Characters of a request; commands are short. */
const LONGEST_REQUEST = 64 * 1024;

/** ms between two lines of progress: more often nobody can read them. */
const PROGRESS_PAUSE_MS = 100;

/** ms that a caller may take for its request. */
const PATIENCE_MS = 5000;

/** ms after which accepting is tried again when it failed. */
const ACCEPT_PAUSE_MS = 500;

/** Longest socket path that the kernel takes, in bytes (unix(7)). */
const LONGEST_PATH = 107;

export interface ControlSocket {
  close(): void;
}

/**
 * Listens at `path` for the owner only (mode 0600). The caller owns the directory, so a socket that lies there is a leftover.
 *
 * @throws {Error} when the path is longer than a socket's may be
 */
export function listenForCommands(path: string, commands: ControlCommands): ControlSocket {
  const length = lengthOf(path);
  if (length > LONGEST_PATH) {
    throw new Error(
      `Cannot listen at ${path}: a socket's path has at most ${LONGEST_PATH} bytes, this one ${length}. Choose a shorter root_dir`,
    );
  }
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  const listener = listenForOwner(path);
  const state = { closed: false };
  void acceptCallers(listener, commands, state);
  return {
    close() {
      state.closed = true;
      listener.close();
      try {
        Deno.removeSync(path);
      } catch {
        // Gone already.
      }
    },
  };
}

/** With the mode from the first moment on: between making a socket and changing its mode, anybody could connect. */
function listenForOwner(path: string): Deno.Listener {
  const before = Deno.umask(0o177);
  try {
    return Deno.listen({ transport: "unix", path });
  } finally {
    Deno.umask(before);
  }
}

export interface SendOptions {
  readonly args?: ControlArguments;
  readonly onProgress?: (progress: Progress) => void;
  /** Goes away from the server when it is aborted; the command fails then. */
  readonly signal?: AbortSignal;
}

/**
 * Sends a command to the server that owns the directory; undefined when none runs.
 *
 * @throws {Error} what the server says when it cannot do it, or why it cannot be reached
 */
export async function sendCommand(
  path: string,
  command: string,
  { args = {}, onProgress, signal }: SendOptions = {},
): Promise<ControlAnswer | undefined> {
  // Nobody could listen there.
  if (lengthOf(path) > LONGEST_PATH) return undefined;
  let connection: Deno.UnixConn;
  try {
    connection = await Deno.connect({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused) {
      return undefined;
    }
    throw new Error(`Cannot reach the server at ${path}: ${(error as Error).message}`, { cause: error });
  }
  using leaving = new Leaving(connection, signal);
  try {
    await writeLine(connection, { command, args });
    for await (const line of linesOf(connection)) {
      const { answer, error, progress } = JSON.parse(line);
      if (typeof error === "string") throw new Error(error);
      if (answer !== undefined) return answer;
      onProgress?.(progress);
    }
    throw new Error(`the server at ${path} ended the connection without an answer`);
  } catch (error) {
    if (!leaving.hasLeft) throw error;
    throw new Error(`${command} was not waited for`, { cause: error });
  }
}

/** Closes a connection once: at the end, or as soon as nobody wants it any more. */
class Leaving implements Disposable {
  readonly #connection: Deno.Conn;
  readonly #signal: AbortSignal | undefined;
  readonly #leave = () => this.#close();
  #isOpen = true;

  constructor(connection: Deno.Conn, signal: AbortSignal | undefined) {
    this.#connection = connection;
    this.#signal = signal;
    if (signal?.aborted) this.#close();
    else signal?.addEventListener("abort", this.#leave);
  }

  get hasLeft(): boolean {
    return !this.#isOpen;
  }

  [Symbol.dispose](): void {
    this.#signal?.removeEventListener("abort", this.#leave);
    this.#close();
  }

  #close(): void {
    if (this.#isOpen) this.#connection.close();
    this.#isOpen = false;
  }
}

function lengthOf(path: string): number {
  return new TextEncoder().encode(path).length;
}

async function acceptCallers(
  listener: Deno.Listener,
  commands: ControlCommands,
  state: { readonly closed: boolean },
): Promise<void> {
  while (!state.closed) {
    try {
      void answerCaller(await listener.accept(), commands);
    } catch {
      // No file descriptor is free, or the socket was closed; a caller can wait.
      await new Promise((resolve) => setTimeout(resolve, state.closed ? 0 : ACCEPT_PAUSE_MS));
    }
  }
}

async function answerCaller(connection: Deno.Conn, commands: ControlCommands): Promise<void> {
  const gone = new AbortController();
  const timer = setTimeout(() => connection.close(), PATIENCE_MS);
  try {
    const lines = linesOf(connection, LONGEST_REQUEST);
    const { value } = await lines.next();
    if (value === undefined) return;
    clearTimeout(timer);
    // A caller says one thing; whatever comes after it is its end.
    void lines.next().catch(() => {}).finally(() => gone.abort());
    const progress = new ProgressLines(connection);
    const outcome = await runCommand(commands, JSON.parse(value), {
      progress: (now) => progress.tell(now),
      signal: gone.signal,
    });
    await progress.settled();
    await writeLine(connection, outcome);
  } catch {
    // The caller went away or sent no JSON; the socket is the owner's, so there is nobody to warn.
  } finally {
    clearTimeout(timer);
    try {
      connection.close();
    } catch {
      // Closed by the timer.
    }
  }
}

async function runCommand(
  commands: ControlCommands,
  { command, args = {} }: { command?: unknown; args?: ControlArguments },
  caller: ControlCaller,
): Promise<{ answer: ControlAnswer } | { error: string }> {
  const run = typeof command === "string" && Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (run === undefined) return { error: `unknown command ${JSON.stringify(command)}` };
  try {
    return { answer: await run(args, caller) };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

/** Sends progress as fast as somebody reads it, at most ten times a second; what is older than the latest is dropped. */
class ProgressLines {
  readonly #connection: Deno.Conn;
  #writing: Promise<void> | undefined;
  #next = 0;

  constructor(connection: Deno.Conn) {
    this.#connection = connection;
  }

  tell(progress: Progress): void {
    if (this.#writing !== undefined || performance.now() < this.#next) return;
    this.#next = performance.now() + PROGRESS_PAUSE_MS;
    // A caller that has gone away is noticed by the reading side.
    this.#writing = writeLine(this.#connection, { progress }).catch(() => {}).finally(() => {
      this.#writing = undefined;
    });
  }

  async settled(): Promise<void> {
    await this.#writing;
  }
}

async function writeLine(connection: Deno.Conn, value: unknown): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

/** @throws {Error} for a line with more than `longest` characters */
async function* linesOf(connection: Deno.Conn, longest = Infinity): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(16 * 1024);
  let text = "";
  for (let read = await connection.read(buffer); read !== null; read = await connection.read(buffer)) {
    text += decoder.decode(buffer.subarray(0, read), { stream: true });
    const lines = text.split("\n");
    text = lines.pop()!;
    if (text.length > longest || lines.some((line) => line.length > longest)) {
      throw new Error("the line is too long");
    }
    yield* lines;
  }
}
