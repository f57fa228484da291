/** What a unix socket of clients may be called, before anything is opened. */
import { basename, dirname } from "node:path";
import { besidePath, requireFreePath } from "../../server/socket_file.ts";
import { Layout } from "../../storage/files/layout.ts";

/** Bytes of `sun_path` less the zero at its end. */
const LONGEST_PATH = 107;

/**
 * @param rootDir the data directory, which is there
 * @throws {Error} what is wrong with the path, in words or in those of the system
 */
export async function requireListenPath(path: string, rootDir: string): Promise<void> {
  const bytes = new TextEncoder().encode(besidePath(path)).length;
  if (bytes > LONGEST_PATH) {
    throw new Error(
      `its path is too long: with ".new" behind it, as the socket is called while it is made, it may have ` +
        `${LONGEST_PATH} bytes and has ${bytes}. Choose a shorter path`,
    );
  }
  if (await isControlSocket(path, rootDir)) {
    throw new Error("by that socket the commands of this program come to the server. Choose another path");
  }
  await requireFreePath(path);
}

/** Whatever links lead there. */
async function isControlSocket(path: string, rootDir: string): Promise<boolean> {
  if (basename(path) !== basename(new Layout(rootDir).controlSocket)) return false;
  try {
    return await Deno.realPath(dirname(path)) === await Deno.realPath(rootDir);
  } catch (error) {
    // The folder is missing: whoever opens the socket says so.
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
