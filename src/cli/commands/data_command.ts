/** Commands on the content of a data directory: done by the server that owns it, else here under its lock. */
import type { Settings } from "../../config/settings.ts";
import type { ByteSource } from "../../ports/byte_source.ts";
import type { Clock } from "../../ports/clock.ts";
import type { FileTree } from "../../ports/file_tree.ts";
import type { Log } from "../../ports/log.ts";
import {
  type ControlAnswer,
  type ControlArguments,
  type ControlCaller,
  type ControlCommands,
  type Progress,
  sendCommand,
} from "../../server/control_socket.ts";
import type { CollectMemory } from "../../jobs/collect_memory.ts";
import type { DirectoryLock } from "../../storage/files/directory_lock.ts";
import { Layout } from "../../storage/files/layout.ts";
import { RemovalHold } from "../../storage/files/removals.ts";
import { prepareData, takeDirectory } from "./prepare_data.ts";
import { Schedule } from "../schedule.ts";
import { openStoresAlone, type Stores, systemClock, type WriterAccess } from "../wire.ts";

/** What a command works with, in the server and without one. */
export interface DataWork extends Stores {
  readonly settings: Settings;
  readonly layout: Layout;
  readonly clock: Clock;
  readonly log: Log;
  /** Makes a new way to the writer where that is another thread; absent without a server. */
  readonly openWriter?: () => WriterAccess;
  /** Puts the removal of blob files off in all threads. */
  readonly removalHold: RemovalHold;
  /** Keeps jobs that the server runs by itself from running beside a command. */
  readonly schedule: Schedule;
  /** Of the server; absent where none runs. */
  readonly collectMemory?: CollectMemory;
}

/** Arguments and answers are plain values, since they may cross a socket; an argument may be anything. */
export type DataCommand = (
  work: DataWork,
  args: ControlArguments,
  caller: ControlCaller,
) => Promise<ControlAnswer>;

/** By the name that goes over the socket. */
export type DataCommands = Readonly<Record<string, DataCommand>>;

/** The commands as the server offers them. */
export function offerDataCommands(commands: DataCommands, work: DataWork): ControlCommands {
  return Object.fromEntries(
    Object.entries(commands).map(([name, run]) => [name, (args, caller) => run(work, args, caller)]),
  );
}

export interface RunDataCommand {
  readonly commands: DataCommands;
  readonly name: string;
  readonly args: ControlArguments;
  readonly settings: Settings;
  /** For what the command says on its way when no server runs. */
  readonly log: Log;
  readonly onProgress?: (progress: Progress) => void;
  /** What the command may read, opened with the rights of whoever asks. */
  readonly file?: ByteSource;
  readonly tree?: FileTree;
  /** Ends the command in order. */
  readonly signal?: AbortSignal;
  /**
   * What one that brings content does where there is no data directory yet: makes it, or imagines an empty one, as a dry
   * run does. Any other command is refused.
   */
  readonly absentData?: "make" | "imagine";
}

/**
 * Has the running server do it, or does it here when none runs.
 *
 * @throws {DirectoryInUse} when a process without a control socket owns the directory
 * @throws {Error} what keeps the command from being done
 */
export async function runDataCommand(command: RunDataCommand): Promise<ControlAnswer> {
  const { name, args, settings, onProgress, file, tree, signal, absentData } = command;
  const layout = new Layout(settings.blobStore.rootDir);
  const answer = await sendCommand(layout.controlSocket, name, {
    args,
    ...(onProgress && { onProgress }),
    ...(file && { file }),
    ...(tree && { tree }),
    ...(signal && { signal }),
  });
  if (answer !== undefined) return answer;
  if (absentData === "imagine" && isNowhere(layout)) return await runOnNothing(command, layout);
  return await runAlone(command, { mayMake: absentData === "make", passing: false });
}

/** In an empty data directory elsewhere, which goes when the command ends. */
async function runOnNothing(command: RunDataCommand, layout: Layout): Promise<ControlAnswer> {
  requireOwner(layout);
  const rootDir = Deno.makeTempDirSync({ prefix: "simple-registry-" });
  try {
    const { blobStore, ...others } = command.settings;
    const settings = { ...others, blobStore: { ...blobStore, rootDir } };
    return await runAlone({ ...command, settings }, { mayMake: true, passing: true });
  } finally {
    Deno.removeSync(rootDir, { recursive: true });
  }
}

async function runAlone(
  { commands, name, args, settings, log, onProgress, file, tree, signal }: RunDataCommand,
  { mayMake, passing }: { readonly mayMake: boolean; readonly passing: boolean },
): Promise<ControlAnswer> {
  const layout = new Layout(settings.blobStore.rootDir);
  const lock = lockData(layout, log, { mayMake });
  try {
    using stores = openStoresAlone(settings, log, { passing });
    const work: DataWork = {
      ...stores,
      removalHold: new RemovalHold(),
      settings,
      layout,
      clock: systemClock,
      log,
      schedule: new Schedule(log),
    };
    // What the socket does to values is done here too, so that a command meets the same ones either way.
    const plainArgs = JSON.parse(JSON.stringify(args));
    return await commands[name]!(work, plainArgs, {
      progress: (progress) => onProgress?.(progress),
      signal: signal ?? new AbortController().signal,
      ...(file && { file }),
      ...(tree && { tree }),
    });
  } finally {
    lock.release();
  }
}

/**
 * Takes a data directory for this process, where no server has it.
 *
 * @throws {DirectoryInUse} {DatabaseTooNew}
 * @throws {Error} where there is none and none may be made
 */
export function lockData(
  layout: Layout,
  log: Log,
  { mayMake }: { readonly mayMake: boolean },
): DirectoryLock {
  // Whoever runs it may be another user than the server's; its files are for nobody else.
  Deno.umask(0o077);
  if (!mayMake) requireData(layout);
  else requireOwner(layout);
  const lock = takeDirectory(layout);
  try {
    prepareData(layout, log);
    return lock;
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** No folder, or one without anything in it. */
function isNowhere({ rootDir }: Layout): boolean {
  try {
    return Deno.readDirSync(rootDir)[Symbol.iterator]().next().done === true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return true;
    throw error;
  }
}

function requireData({ rootDir, database }: Layout): void {
  try {
    Deno.statSync(database);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    throw new Error(
      `Cannot work on ${rootDir}: it is no data directory of this program, ${database} is missing`,
    );
  }
}

/** What root brings would be root's, and the server, another user, could not read it. */
function requireOwner({ rootDir }: Layout): void {
  const [owner, me] = [ownerOf(rootDir), Deno.uid()];
  // Nobody's yet; and Windows has no such numbers.
  if (owner === undefined || me === null || owner === me) return;
  throw new Error(
    `Cannot bring content into ${rootDir} as user ${me}: it belongs to user ${owner}. ` +
      "Run the command as that user, or while the server runs, which then writes what comes",
  );
}

/** Id of the user; undefined where there is no such path. */
function ownerOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).uid ?? undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
