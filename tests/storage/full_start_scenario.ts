/** Opening a new database on a disk without room for its tables, and with it; runs on a small file system, prints "ok" at the end. */
import assert from "node:assert/strict";
import { openForWriting } from "../../src/storage/sqlite/open_database.ts";

const disk = Deno.args[0]!;
const [path, filler] = [`${disk}/registry.db`, `${disk}/filler`];
Deno.writeFileSync(filler, new Uint8Array(1950 * 1024));
assert.throws(() => openForWriting(path), {
  message: `Cannot open the database ${path}: the disk is full. Make room there, and start again`,
});
await Deno.remove(filler);
openForWriting(path).close();
console.log("ok");
