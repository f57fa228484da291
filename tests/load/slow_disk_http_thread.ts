/** The HTTP thread of the program, except that what it writes to files takes its time, as on a slow disk. */
import "../../src/cli/threads/http_thread.ts";
import { SLOW_DISK, THREADS } from "./slow_disk.ts";

const { write } = Deno.FsFile.prototype;
let freeAt = 0;

Deno.FsFile.prototype.write = async function (bytes: Uint8Array): Promise<number> {
  const now = performance.now();
  freeAt = Math.max(freeAt, now) + bytes.length / (SLOW_DISK / THREADS) * 1000;
  // First the call, which the system has the memory from; the caller may lend it to others then.
  const written = await write.call(this, bytes);
  await new Promise((resolve) => setTimeout(resolve, freeAt - now));
  return written;
};
