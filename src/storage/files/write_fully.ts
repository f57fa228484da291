/** Writing all of some bytes: the system may take fewer than it is given. */

/** Writes the bytes where the file stands. @throws what the system says; some of them may be written then */
export async function writeFully(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}
