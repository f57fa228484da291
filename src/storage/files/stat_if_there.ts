/** What the file system says of a path where something may be. */

/** @param stat how links are taken: as what they are, or as what they point to */
export async function statIfThere(
  path: string,
  stat: (path: string) => Promise<Deno.FileInfo> = Deno.lstat,
): Promise<Deno.FileInfo | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
