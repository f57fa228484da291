/** Whether something lies in a folder, whatever links lead there. */
import { dirname } from "node:path";

/**
 * True where what has the name `path`, or would have it once it is made, is the folder or lies in it.
 *
 * @throws what the system says, also where the folder, or the one that `path` is in, is not there
 */
export async function isInsideFolder(path: string, folder: string): Promise<boolean> {
  const real = await Deno.realPath(folder);
  return isBelow(await realPathIfThere(path) ?? await Deno.realPath(dirname(path)), real);
}

async function realPathIfThere(path: string): Promise<string | undefined> {
  try {
    return await Deno.realPath(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

function isBelow(path: string, folder: string): boolean {
  return `${path}/`.startsWith(folder === "/" ? folder : `${folder}/`);
}
