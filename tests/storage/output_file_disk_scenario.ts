/** Run by output_file_test.ts with a small file system of its own: writes there until it is full, and says "ok". */
import assert from "node:assert/strict";
import { OutputFile } from "../../src/storage/archive/output_file.ts";

const disk = Deno.args[0]!;
{
  await using file = await OutputFile.open(`${disk}/known.tar`, { mayReplace: false });
  await assert.rejects(
    file.requireRoom(9_000_000),
    /Cannot write \S+known\.tar: it needs 8\.58 MiB, the disk has [\d.]+ MiB free/,
  );
  await file.requireRoom(1_000_000);
}
{
  await using file = await OutputFile.open(`${disk}/grown.tar`, { mayReplace: false });
  const writing = async () => {
    for (let i = 0; i < 10; i++) await file.write(new Uint8Array(1024 * 1024));
  };
  await assert.rejects(writing(), /Cannot write \S+grown\.tar: the disk is full/);
}
assert.deepEqual([...Deno.readDirSync(disk)], []);
console.log("ok");
