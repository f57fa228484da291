/** A process that takes the lock of a data directory, says so, and holds it until it is ended. */
import { lockDirectory } from "../../src/storage/files/directory_lock.ts";

try {
  const lock = lockDirectory(Deno.args[0]!);
  console.log("locked");
  await Deno.stdin.read(new Uint8Array(1));
  lock.release();
} catch (error) {
  console.log(String(error));
}
