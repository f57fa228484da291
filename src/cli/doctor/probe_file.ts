/** Makes a file to try something with, and takes it away. */

/** @throws whatever keeps the file from being made, or `use` */
export async function withProbe<T>(folder: string, use: (file: Deno.FsFile) => Promise<T>): Promise<T> {
  const path = `${folder}/.doctor-${crypto.randomUUID()}`;
  const file = await Deno.open(path, { read: true, write: true, createNew: true, mode: 0o600 });
  try {
    return await use(file);
  } finally {
    file.close();
    await Deno.remove(path);
  }
}
