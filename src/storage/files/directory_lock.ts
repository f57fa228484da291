/** One process owns a data directory: an flock, which the kernel takes back however the process ends. */

import { dirname } from "node:path";
import { isForbiddenPlace, NOT_THERE } from "../../core/file_reason.ts";

/** The lock on a data directory; held until `release()` or the end of the process. */
export interface DirectoryLock {
  release(): void;
}

/** Another process has the data directory. */
export class DirectoryInUse extends Error {
  override readonly name = "DirectoryInUse";
}

/**
 * Takes the lock file for this process and writes its process id into it. The folder itself is locked as well: people remove
 * lock files that seem to be in their way, and two servers on one folder would lose what both have.
 *
 * @throws {DirectoryInUse} when another process has it, naming that process
 * @throws {Error} for a directory in which the runtime lets nobody open a database
 */
export function lockDirectory(lockFile: string): DirectoryLock {
  requireReachable(dirname(lockFile));
  const file = Deno.openSync(lockFile, { read: true, write: true, create: true, mode: 0o600 });
  if (!file.tryLockSync(true)) {
    const owner = Deno.readTextFileSync(lockFile).trim();
    file.close();
    throw new DirectoryInUse(
      `Cannot use data directory: another simple-registry (process ${owner || "unknown"}) holds ${lockFile}`,
    );
  }
  const folder = Deno.openSync(dirname(lockFile), { read: true });
  if (!takeFolder(folder)) {
    folder.close();
    file.close();
    throw new DirectoryInUse(
      `Cannot use data directory: another simple-registry has ${
        dirname(lockFile)
      }, though its lock file was removed. ` +
        "Stop that process",
    );
  }
  file.truncateSync();
  file.writeSync(new TextEncoder().encode(`${Deno.pid}\n`));
  return {
    release() {
      folder.close();
      file.close();
    },
  };
}

/** False where another process has it; true also where the file system locks no folders, as some in a network do not. */
function takeFolder(folder: Deno.FsFile): boolean {
  try {
    return folder.tryLockSync(true);
  } catch {
    return true;
  }
}

/** Here, before a thread stumbles over it. */
function requireReachable(directory: string): void {
  if (!isForbiddenPlace(Deno.realPathSync(directory))) return;
  throw new Error(NOT_THERE);
}

/** The process that has the directory ("unknown" where it has not said so yet), undefined where none has. */
export function ownerOf(lockFile: string): string | undefined {
  let file: Deno.FsFile;
  try {
    file = Deno.openSync(lockFile, { read: true });
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
  try {
    if (file.tryLockSync(false)) return undefined;
    return Deno.readTextFileSync(lockFile).trim() || "unknown";
  } finally {
    // Which gives the lock back.
    file.close();
  }
}
