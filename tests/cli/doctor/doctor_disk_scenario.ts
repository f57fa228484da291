/** The doctor on a small file system in memory: `doctor_disk_scenario.ts FOLDER` prints ok. */
import assert from "node:assert/strict";
import { checkDisk } from "../../../src/cli/doctor/check_disk.ts";
import { checkFolder } from "../../../src/cli/doctor/check_folder.ts";
import { describeFinding } from "../../../src/cli/doctor/finding.ts";
import { Layout } from "../../../src/storage/files/layout.ts";

const MIB = 1024 * 1024;
const [folder = ""] = Deno.args;

const look = async (minimum: number) =>
  (await checkDisk(folder, minimum)).map((each) => describeFinding(each)).join("\n");

const fresh = await look(MIB);
assert.match(fresh, /^ok +disk space: /);
assert.match(fresh, /\nwarning +file system: .* tmpfs, which is memory/);
assert.match(fresh, /\nwarning +fsync: .*faster than any disk/);

await Deno.writeFile(`${folder}/big`, new Uint8Array(70 * MIB));
assert.match(await look(20 * MIB), /^problem +disk space: .*pushes are refused/);

for (let i = 0; i < 990; i++) await Deno.writeFile(`${folder}/${i}`, new Uint8Array());
assert.match(await look(0), /\nwarning +inodes: \d+ of 1000 inodes are free/);

const { success } = await new Deno.Command("mount", { args: ["-o", "remount,ro", folder] }).output();
assert.ok(success);
const [readOnly] = await checkFolder(new Layout(folder), folder);
assert.match(describeFinding(readOnly!), /^problem +data directory: cannot make a file in .*[Rr]ead-only/);
console.log("ok");
