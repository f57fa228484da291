/** The socket over which commands speak to the running server that owns a data directory. One JSON line each way. */

export type ControlAnswer = Readonly<Record<string, unknown>>;
export type ControlCommands = Readonly<Record<string, () => Promise<ControlAnswer>>>;

/** Bytes of a request; commands are short. */
const LONGEST_REQUEST = 4096;

/** ms that a caller may take for its request. */
const PATIENCE_MS = 5000;

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
  const length = new TextEncoder().encode(path).length;
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
  const before = Deno.umask(0o177);
  const listener = Deno.listen({ transport: "unix", path });
  Deno.umask(before);
  void acceptCallers(listener, commands);
  return {
    close() {
      listener.close();
      try {
        Deno.removeSync(path);
      } catch {
        // Gone already.
      }
    },
  };
}

/**
 * Sends a command to the server that owns the directory; undefined when none runs.
 *
 * @throws {Error} what the server says when it cannot do it
 */
export async function sendCommand(path: string, command: string): Promise<ControlAnswer | undefined> {
  let connection: Deno.UnixConn;
  try {
    connection = await Deno.connect({ transport: "unix", path });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.ConnectionRefused) {
      return undefined;
    }
    throw error;
  }
  await writeLine(connection, { command });
  const answer = JSON.parse(await readLine(connection, Infinity));
  connection.close();
  if (typeof answer.error === "string") throw new Error(answer.error);
  return answer;
}

async function acceptCallers(listener: Deno.Listener, commands: ControlCommands): Promise<void> {
  for await (const caller of listener) void answerCaller(caller, commands);
}

async function answerCaller(caller: Deno.Conn, commands: ControlCommands): Promise<void> {
  const timer = setTimeout(() => caller.close(), PATIENCE_MS);
  try {
    const { command } = JSON.parse(await readLine(caller, LONGEST_REQUEST));
    clearTimeout(timer);
    const run = Object.hasOwn(commands, command) ? commands[command] : undefined;
    const answer = run === undefined ? { error: `unknown command ${JSON.stringify(command)}` } : await run();
    await writeLine(caller, answer);
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
    if (read === null || text.length + read > longest) throw new Error("no line");
    text += decoder.decode(buffer.subarray(0, read), { stream: true });
  }
  return text.slice(0, text.indexOf("\n"));
}
