/**
 * The socket over which commands speak to the running server that owns a data directory: one JSON line there, any number
 * of `{"progress": ...}` lines and one `{"answer": ...}` or `{"error": "..."}` line back. A file or folder of the
 * caller may be read on the way.
 */
import type { ByteSource } from "../ports/byte_source.ts";
import type { FileTree } from "../ports/file_tree.ts";
import { AnswerBuffer, CallerFile, readForServer } from "./caller_file.ts";
import { answerQuestion, CallerQuestions } from "./caller_questions.ts";
import { answerForTree, CallerTree } from "./caller_tree.ts";
import { ProgressLines } from "./progress_lines.ts";
import { LineReader, LineWriter } from "./socket_lines.ts";

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
  /** The file that the caller gave with the command. */
  readonly file?: ByteSource;
  /** The folder that the caller gave with the command. */
  readonly tree?: FileTree;
}

export type ControlCommand = (args: ControlArguments, caller: ControlCaller) => Promise<ControlAnswer>;
export type ControlCommands = Readonly<Record<string, ControlCommand>>;

/** Bytes of a request; commands are short. */
const LONGEST_REQUEST = 64 * 1024;

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
  /** A file that the command may read. */
  readonly file?: ByteSource;
  /** A folder that the command may read. */
  readonly tree?: FileTree;
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
  { args = {}, onProgress, file, tree, signal }: SendOptions = {},
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
  const leave = () => close(connection);
  signal?.addEventListener("abort", leave);
  try {
    signal?.throwIfAborted();
    const buffer = new AnswerBuffer();
    const [reader, writer] = [new LineReader(connection), new LineWriter(connection)];
    await writer.write({
      command,
      args,
      ...(file !== undefined && { file: { size: file.size } }),
      ...(tree !== undefined && { tree: true }),
    });
    for (let line = await reader.readLine(); line !== undefined; line = await reader.readLine()) {
      const { answer, error, progress, read, tree: asked } = JSON.parse(line);
      if (typeof error === "string") throw new Error(error);
      if (answer !== undefined) return answer;
      if (progress !== undefined) onProgress?.(progress);
      if (read !== undefined && file !== undefined) {
        await answerQuestion(
          writer,
          () => readForServer(read, buffer, (at, target) => file.read(at, target)),
        );
      }
      if (asked !== undefined && tree !== undefined) {
        await answerQuestion(writer, () => answerForTree(tree, asked, buffer));
      }
    }
    throw new Error(`the server at ${path} ended the connection without an answer`);
  } catch (error) {
    throw signal?.aborted ? new Error(`${command} was not waited for`, { cause: error }) : error;
  } finally {
    signal?.removeEventListener("abort", leave);
    close(connection);
  }
}

/** Closes it, unless that has happened. */
function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // Closed already.
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
    const [reader, writer] = [new LineReader(connection), new LineWriter(connection)];
    const line = await reader.readLine(LONGEST_REQUEST);
    if (line === undefined) return;
    clearTimeout(timer);
    const request = JSON.parse(line);
    const size = request.file?.size;
    const questions = new CallerQuestions(writer);
    const file = Number.isSafeInteger(size) ? new CallerFile(size, questions) : undefined;
    const tree = request.tree === true ? new CallerTree(questions) : undefined;
    // Who is asked nothing says one thing, and whatever comes after it is its end.
    const isAsked = file !== undefined || tree !== undefined;
    const listening: Promise<unknown> = isAsked ? questions.listen(reader) : reader.readLine();
    void listening.catch(() => {}).finally(() => gone.abort());
    const progress = new ProgressLines(writer);
    const outcome = await runCommand(commands, request, {
      progress: (now) => progress.tell(now),
      signal: gone.signal,
      ...(file !== undefined && { file }),
      ...(tree !== undefined && { tree }),
    });
    await writer.write(outcome);
  } catch {
    // The caller went away or sent no JSON; the socket is the owner's, so there is nobody to warn.
  } finally {
    clearTimeout(timer);
    close(connection);
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
