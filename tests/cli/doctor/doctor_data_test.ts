/** `doctor` on what lies under a registry: clock, data directory, disk, database. */
import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { checkInodes, checkRoom, checkSync } from "../../../src/cli/doctor/check_disk.ts";
import { describeFinding } from "../../../src/cli/doctor/finding.ts";
import { runOnSmallDisk } from "../../harness/run_on_small_disk.ts";
import { FREE_PORT, makeData, openTrial } from "./doctor_trial.ts";

const MIB = 1024 * 1024;

Deno.test("doctor notices a clock that files of the past are ahead of, and one that cannot be right", async () => {
  await using trial = await openTrial();
  makeData(trial);
  assert.match(await trial.examine(FREE_PORT, "clock"), /^ok /);
  assert.match(
    await trial.examine(FREE_PORT, "clock", Date.now() - 3_600_000),
    /^problem .*clock: it says .*, and .* was written at .*\. Set the clock/,
  );
  assert.match(
    await trial.examine(FREE_PORT, "clock", 0),
    /^problem .*clock: it says 1970-01-01 .*, which is past/,
  );
});

Deno.test("doctor notices a data directory that others may look into, and one that is a file", async () => {
  await using trial = await openTrial();
  makeData(trial);
  assert.match(await trial.examine(FREE_PORT, "data directory"), /^ok .*for user \d+ only$/);
  await Deno.chmod(trial.rootDir, 0o755);
  assert.match(
    await trial.examine(FREE_PORT, "data directory"),
    /^warning .*other users may look into .*chmod 0700/,
  );
  await Deno.remove(trial.rootDir, { recursive: true });
  await trial.write("data", "");
  assert.match(await trial.examine(FREE_PORT, "data directory"), /^problem .*data is no directory/);
});

Deno.test({
  name:
    "doctor notices files that a start by another user left behind, and that it runs as another user itself",
  ignore: Deno.uid() !== 0,
  async fn() {
    await using trial = await openTrial();
    const { database } = makeData(trial);
    await Deno.chown(database, 12345, 12345);
    assert.match(
      await trial.examine(FREE_PORT, "data directory"),
      /^problem .*registry\.db belongs to user 12345, and its folder to user 0\. chown -R 0 /,
    );
    for (const path of [database, trial.rootDir, `${trial.rootDir}/blobs`, `${trial.rootDir}/uploads`]) {
      await Deno.chown(path, 12345, 12345);
    }
    assert.match(
      await trial.examine(FREE_PORT, "data directory"),
      /^warning .*belongs to user 12345, and this runs as user 0.*sudo -u/,
    );
  },
});

Deno.test("doctor notices a disk that is full, lives in memory, syncs nothing, or cannot be written to", async () => {
  await runOnSmallDisk("80m,nr_inodes=1000", new URL("doctor_disk_scenario.ts", import.meta.url));
});

Deno.test("doctor judges room, inodes and the time of a sync", () => {
  const room = (free: number) =>
    describeFinding(checkRoom({ free, size: 1000 * MIB, minimumFreeSpace: 100 * MIB }));
  assert.match(room(500 * MIB), /^ok /);
  assert.match(room(150 * MIB), /^warning .*150 MiB of 1000 MiB are free/);
  assert.match(room(99 * MIB), /^problem .*pushes are refused\. Delete content/);
  assert.deepEqual(checkInodes(0, 0), [], "the file system counts none");
  assert.deepEqual(checkInodes(1000, 500), []);
  assert.equal(checkInodes(1000, 10)[0]!.level, "warning");
  assert.equal(checkInodes(1000, 0)[0]!.level, "problem");
  assert.equal(checkSync(2).level, "ok");
  assert.match(describeFinding(checkSync(0.003)), /^warning .*after 3 µs, faster than any disk/);
  assert.equal(checkSync(300).level, "warning");
});

Deno.test("doctor notices a damaged database, and one of a later version", async () => {
  await using trial = await openTrial();
  const { database } = makeData(trial);
  assert.match(await trial.examine(FREE_PORT, "database"), /^ok .*without faults$/);
  const later = new DatabaseSync(database);
  later.exec("PRAGMA user_version = 999");
  later.close();
  assert.match(await trial.examine(FREE_PORT, "database"), /^problem .*its tables are version 999/);

  const pages = new DatabaseSync(database);
  pages.exec("PRAGMA user_version = 1; PRAGMA wal_checkpoint(TRUNCATE)");
  pages.close();
  const bytes = await Deno.readFile(database);
  bytes.fill(0x55, 4096, 3 * 4096);
  await Deno.writeFile(database, bytes);
  assert.match(
    await trial.examine(FREE_PORT, "database"),
    /^problem .*(is damaged|cannot read).*put a backup in its place/,
  );
});
