/** The folder of a backup: new, for the owner only, and marked as not whole from its first moment to its last. */
import { basename } from "node:path";
import { isInsideFolder } from "../files/inside_folder.ts";
import { Layout, syncFolderNow } from "../files/layout.ts";
import { statIfThere } from "../files/stat_if_there.ts";

/**
 * Makes the folder, or takes an empty one that is there, and marks it as a backup that is not whole. Of two that begin at
 * once in one folder one is refused: what the other makes there is not its own. Gives the path without links.
 *
 * @throws {Error} for one with something in it, and for one inside of the data directory
 */
export async function makeBackupFolder(path: string, rootDir: string): Promise<string> {
  if (await isInsideFolder(path, rootDir)) {
    throw new Error(`Cannot make a backup in ${path}: it is in the data directory ${rootDir}`);
  }
  try {
    await Deno.mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
  const directory = await Deno.realPath(path);
  for await (const { name } of Deno.readDir(directory)) throw isNotEmpty(path, name);
  await Deno.chmod(directory, 0o700);
  markIncomplete(path, new Layout(directory));
  return directory;
}

function isNotEmpty(path: string, name: string): Error {
  return new Error(
    `Cannot make a backup in ${path}: ${name} is there already, and the folder has to be empty`,
  );
}

/** The first thing in the folder of a backup. */
function markIncomplete(path: string, { rootDir, incompleteBackup }: Layout): void {
  const text =
    "This backup is not whole. It is being made, or whoever made it was stopped: then remove it.\n";
  try {
    writeDurably(incompleteBackup, text, { createNew: true });
    syncFolderNow(rootDir);
  } catch (error) {
    if (error instanceof Deno.errors.AlreadyExists) throw isNotEmpty(path, basename(incompleteBackup));
    throw new Error(
      `the backup was not made: ${(error as Error).message}. Remove ${rootDir}, it is not whole`,
      { cause: error },
    );
  }
}

/** The last thing: the mark becomes the report, in one step. */
export function markWhole({ rootDir, incompleteBackup, backupReport }: Layout, report: unknown): void {
  const fresh = { create: true, truncate: true };
  writeDurably(incompleteBackup, `${JSON.stringify(report, null, 2)}\n`, fresh);
  Deno.renameSync(incompleteBackup, backupReport);
  syncFolderNow(rootDir);
}

/** @throws {Error} for a backup that did not come to its end: a registry in it would be one that lost content */
export function requireWholeBackup({ rootDir, incompleteBackup }: Layout): void {
  try {
    Deno.lstatSync(incompleteBackup);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  throw new Error(
    `Cannot use ${rootDir}: it is a backup that did not come to its end. Use another one, and remove this one`,
  );
}

/** Gives the path of a whole backup without links. @throws {Error} for what is none */
export async function requireBackup(path: string): Promise<string> {
  const { backupReport } = new Layout(path);
  if (await statIfThere(backupReport) !== undefined) return await Deno.realPath(path);
  throw new Error(`Cannot share files with ${path}: it is no backup that came to its end`);
}

/** Digests of what is damaged in a whole backup, as its report says; undefined where that does not name all of them. */
export function readDamages({ backupReport }: Layout): ReadonlySet<string> | undefined {
  try {
    const { damaged, damages } = JSON.parse(Deno.readTextFileSync(backupReport));
    const digests = new Set<string>(damages.map(({ digest }: { digest: string }) => digest));
    return digests.size === damaged ? digests : undefined;
  } catch {
    // Somebody has changed it. Nothing is shared then, which costs room and time.
    return undefined;
  }
}

function writeDurably(path: string, text: string, how: Deno.OpenOptions): void {
  using file = Deno.openSync(path, { ...how, write: true, mode: 0o600 });
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  file.syncSync();
}
