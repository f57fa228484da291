/** Unix sockets that one server takes over from another without a moment in which nobody listens. */
import type { ListenAddress } from "../config/settings.ts";

type UnixAddress = Extract<ListenAddress, { kind: "unix" }>;

/**
 * Has `listen` listen beside the path, and moves the socket there: whoever connects meets the former server or the new one,
 * and never one that does not have its permissions yet.
 */
export async function openSocketFile<T>(
  { path, mode }: UnixAddress,
  listen: (path: string) => Promise<T>,
): Promise<T> {
  const beside = besidePath(path);
  removeIfThere(beside);
  const opened = await listen(beside);
  Deno.chmodSync(beside, mode);
  Deno.renameSync(beside, path);
  return opened;
}

/** Where a socket is made, of which no one else may have the name. */
export function besidePath(path: string): string {
  return `${path}.new`;
}

/** Removes what a server leaves behind. */
export function removeSocketFile(path: string): void {
  removeIfThere(path);
  removeIfThere(besidePath(path));
}

/** @throws {Error} in the words of the system, unless nobody listens at the path: a socket of a server that died may lie there */
export async function requireFreePath(path: string): Promise<void> {
  let found: Deno.FileInfo;
  try {
    found = Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  if (!found.isSocket) throw new Error("there is a file that is no socket");
  try {
    (await Deno.connect({ transport: "unix", path })).close();
  } catch (error) {
    if (error instanceof Deno.errors.ConnectionRefused) return;
    throw error;
  }
  throw new Error("EADDRINUSE");
}

function removeIfThere(path: string): void {
  try {
    if (Deno.lstatSync(path).isSocket) Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
