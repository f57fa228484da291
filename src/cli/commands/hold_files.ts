/** Keeps the blob files that rows name now from being removed, for a command that reads them beside the running server. */
import {
  type ControlAnswer,
  type ControlArguments,
  type ControlCaller,
  sendCommand,
} from "../../server/control_socket.ts";
import type { Layout } from "../../storage/files/layout.ts";
import type { Log } from "../../ports/log.ts";
import { type DataWork, lockData } from "./data_command.ts";

/** Name of the command. */
export const HOLD_FILES = "hold files";

/** The server's end: holds until the caller has gone away, however it ended. */
export async function holdFilesByCommand(
  { removalHold, schedule, log }: DataWork,
  _args: ControlArguments,
  { progress, signal }: ControlCaller,
): Promise<ControlAnswer> {
  const letGo = removalHold.take();
  const since = performance.now();
  log.info("a command reads blob files: those of deleted blobs stay meanwhile");
  try {
    progress({ what: "held", done: 0, unit: "items" });
    const end = AbortSignal.any([signal, schedule.stopping]);
    await new Promise<void>((resolve) => {
      if (end.aborted) resolve();
      else end.addEventListener("abort", () => resolve());
    });
    return {};
  } finally {
    letGo();
    const seconds = Math.round((performance.now() - since) / 1000);
    log.info("a command has read blob files: those of deleted blobs go", { seconds });
  }
}

export interface FileHold extends AsyncDisposable {
  /** Aborted when the server does not hold any more. */
  readonly lost: AbortSignal;
}

/**
 * Has the server hold, until the disposal; undefined where none runs.
 *
 * @throws {Error} why the server cannot be reached
 */
export async function holdFiles(controlSocket: string): Promise<FileHold | undefined> {
  const [held, leave, lost] = [Promise.withResolvers<"held">(), new AbortController(), new AbortController()];
  const answer = sendCommand(controlSocket, HOLD_FILES, {
    onProgress: () => held.resolve("held"),
    signal: leave.signal,
  });
  const end = answer.then(() => undefined).finally(() =>
    lost.abort(new Error("the server has ended: run the command again"))
  );
  end.catch(() => {});
  if (await Promise.race([held.promise, end]) === undefined) return undefined;
  return {
    lost: lost.signal,
    async [Symbol.asyncDispose]() {
      leave.abort();
      await end.catch(() => {});
    },
  };
}

/**
 * Keeps files from being removed until the disposal: the running server holds, or there is none and none can start.
 *
 * @throws {DirectoryInUse} {DatabaseTooNew}
 * @throws {Error} where there is no data, or the server cannot be reached
 */
export async function keepFiles(layout: Layout, log: Log): Promise<FileHold> {
  const hold = await holdFiles(layout.controlSocket);
  if (hold !== undefined) return hold;
  const lock = lockData(layout, log, { mayMake: false });
  return {
    lost: new AbortController().signal,
    async [Symbol.asyncDispose]() {
      lock.release();
    },
  };
}
