/** The socket over which commands speak to the running server that owns a data directory. One JSON line each way. */

export type ControlAnswer = Readonly<Record<string, unknown>>;
export type ControlCommands = Readonly<Record<string, () => Promise<ControlAnswer>>>;

/** Bytes of a request; commands are short. */
const LONGEST_REQUEST = 4096;

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

/**
 * Sends a command to the server that owns the directory; undefined when none runs.
 *
 * @throws {Error} what the server says when it cannot do it, or why it cannot be reached
 */
export async function sendCommand(path: string, command: string): Promise<ControlAnswer | undefined> {
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
  try {
    await writeLine(connection, { command });
    const answer = JSON.parse(await readLine(connection, Infinity));
    if (typeof answer.error === "string") throw new Error(answer.error);
    return answer;
  } finally {
    connection.close();
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

async function answerCaller(caller: Deno.Conn, commands: ControlCommands): Promise<void> {
  const timer = setTimeout(() => caller.close(), PATIENCE_MS);
  try {
    const { command } = JSON.parse(await readLine(caller, LONGEST_REQUEST));
    clearTimeout(timer);
    await writeLine(caller, await runCommand(commands, command));
  } catch {
    // The caller went away or sent no JSON; the socket is the owner's, so there is nobody to warn.
  } finally {
    clearTimeout(timer);
    try {
      caller.close();
    } catch {
      // Closed by the timer.
    }
  }
}

async function runCommand(commands: ControlCommands, command: unknown): Promise<ControlAnswer> {
  const run = typeof command === "string" && Object.hasOwn(commands, command) ? commands[command] : undefined;
  if (run === undefined) return { error: `unknown command ${JSON.stringify(command)}` };
  try {
    return await run();
  } catch (error) {
    return { error: (error as Error).message };
  }
}

async function writeLine(connection: Deno.Conn, value: unknown): Promise<void> {
  const bytes = new TextEncoder().encode(`${JSON.stringify(value)}\n`);
  for (let at = 0; at < bytes.length;) at += await connection.write(bytes.subarray(at));
}

async function readLine(connection: Deno.Conn, longest: number): Promise<string> {
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(4096);
  let text = "";
  while (!text.includes("\n")) {
    const read = await connection.read(buffer);
    if (read === null) throw new Error("the other side ended the connection without an answer");
    if (text.length + read > longest) throw new Error("the line is too long");
    text += decoder.decode(buffer.subarray(0, read), { stream: true });
  }
  return text.slice(0, text.indexOf("\n"));
}
