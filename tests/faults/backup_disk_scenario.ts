/** Run by backup_test.ts with a small file system of its own: makes backups there until it is full, and says "ok". */
import assert from "node:assert/strict";
import { makeContent, randomBytes } from "../harness/build_images.ts";
import { exists } from "./damage.ts";
import { DataTrial } from "./data_trial.ts";

const disk = Deno.args[0]!;
await using trial = await DataTrial.make();
const push = async (size: number) =>
  await trial.api.pushBlob("app", makeContent("application/octet-stream", randomBytes(size)));
await push(5_000_000);

const first = await trial.run("export", "--backup", `${disk}/first`, "--json");
assert.deepEqual([first.code, JSON.parse(first.stdout).copied], [0, 1], first.stderr);

// What was copied before takes no room a second time.
await push(7_000_000);
const second = await trial.run(
  "export",
  "--backup",
  `${disk}/second`,
  "--previous",
  `${disk}/first`,
  "--json",
);
assert.deepEqual([second.code, JSON.parse(second.stdout).from_previous], [0, 1], second.stderr);

await push(9_000_000);
const third = await trial.run("export", "--backup", `${disk}/third`, "--previous", `${disk}/second`);
assert.equal(third.code, 1);
assert.match(
  third.stderr,
  /8\.58 MiB have to be copied, \S+ MiB are free there\. Remove \S+third, it is not whole/,
);
assert.ok(exists(`${disk}/third/backup.incomplete`) && !exists(`${disk}/third/registry.db`));
assert.deepEqual([...Deno.readDirSync(`${disk}/third/blobs/sha256/00`)], []);

// Not even room for the database.
const filler = await Deno.open(`${disk}/filler`, { write: true, create: true });
try {
  for (const block = new Uint8Array(4096); await filler.write(block) > 0;);
} catch {
  // Full.
}
filler.close();
const fourth = await trial.run("export", "--backup", `${disk}/fourth`);
assert.equal(fourth.code, 1);
assert.match(fourth.stderr, /the backup was not made: .*(full|No space left)/);
assert.equal((await trial.api.request("GET", "/readyz")).status, 200, "the server has its own disk");
console.log("ok");
