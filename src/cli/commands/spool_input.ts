/** Standard input as a file that can be read from any place on: it goes to a nameless file first. */
import { FileSource } from "../../storage/archive/file_source.ts";
import { writeFully } from "../../storage/files/write_fully.ts";

/**
 * The file lies where TMPDIR says, else in the system's temporary folder, and goes with the process, however that ends.
 *
 * @throws {Error} where there is no room for it
 */
export async function spoolInput(
  input: ReadableStream<Uint8Array>,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<FileSource> {
  const path = await Deno.makeTempFile({ prefix: "simple-registry-", suffix: ".tar" });
  const file = await Deno.open(path, { read: true, write: true });
  try {
    await Deno.remove(path);
    let bytes = 0;
    for await (const chunk of input) {
      signal.throwIfAborted();
      await writeFully(file, chunk);
      onBytes(bytes += chunk.length);
    }
    return new FileSource(file);
  } catch (error) {
    file.close();
    if (!/os error 28\b/.test((error as Error).message)) throw error;
    throw new Error(
      `Cannot keep standard input in ${path}: the disk is full; let TMPDIR name a folder with room, or give a file`,
      { cause: error },
    );
  }
}
