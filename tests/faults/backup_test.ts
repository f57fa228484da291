/** `export --backup`: what it takes, what it leaves when it is cut, and a registry that starts on it. */
import assert from "node:assert/strict";
import { makeBackupFolder } from "../../src/storage/backup/backup_folder.ts";
import { assertSameBytes } from "../harness/assert_same_bytes.ts";
import { buildImage, buildIndex, type Content, makeContent, randomBytes } from "../harness/build_images.ts";
import { runCommand } from "../harness/run_command.ts";
import { runOnSmallDisk } from "../harness/run_on_small_disk.ts";
import { until } from "../harness/until.ts";
import { blobPath, exists, flipBit } from "./damage.ts";
import { DataTrial } from "./data_trial.ts";

const BLOB = "application/octet-stream";

/** Pushes one blob into repository "app" and gives it. */
async function pushBlob(trial: DataTrial, size = 1000): Promise<Content> {
  const blob = makeContent(BLOB, randomBytes(size));
  await trial.api.pushBlob("app", blob);
  return blob;
}

/** Runs the program on another data directory. */
async function runOn(trial: DataTrial, rootDir: string, ...args: string[]) {
  const config = trial.path("other.toml");
  await Deno.writeTextFile(config, `[blob_store.fs]\nroot_dir = ${JSON.stringify(rootDir)}\n`);
  return await trial.run("-c", config, ...args);
}

function inodeOf(path: string): number {
  return Deno.statSync(path).ino!;
}

async function* everythingIn(folder: string): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    yield `${folder}/${name}`;
    if (isDirectory) yield* everythingIn(`${folder}/${name}`);
  }
}

/** Lets a copy of the blob's file wait for ever, until somebody writes to the pipe that is there instead. */
async function stopAt(trial: DataTrial, { digest }: Content): Promise<string> {
  const path = blobPath(trial.rootDir, digest);
  await Deno.rename(path, `${path}.aside`);
  await runCommand(["mkfifo", path]);
  return path;
}

/** Starts a backup that cannot end, and resolves when it copies files. */
async function startStuckBackup(trial: DataTrial, directory: string): Promise<Deno.ChildProcess> {
  const [program = "", ...args] = await trial.words("export", "--backup", directory, "--copy");
  const child = new Deno.Command(program, { args, stdout: "null", stderr: "piped" }).spawn();
  // The database is there, and the folders, which are made after it.
  await until(() => exists(`${directory}/blobs/sha512/ff`));
  return child;
}

/** The folder says that it is not whole, and nothing takes it for a registry. */
async function assertNotWhole(trial: DataTrial, directory: string): Promise<void> {
  assert.ok(exists(`${directory}/backup.incomplete`));
  assert.ok(!exists(`${directory}/registry.db`) && !exists(`${directory}/backup.json`));
  for (const command of [["server"], ["scrub"], ["collect"], ["export", "--backup", `${directory}.2`]]) {
    const { code, stderr } = await runOn(trial, directory, ...command);
    assert.equal(code, 1, command.join(" "));
    assert.match(stderr, /backup that did not come to its end|no data directory/);
  }
  const again = await trial.run("export", "--backup", directory);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /the folder has to be empty/);
}

Deno.test("a backup beside the server is a registry of its own: a scrub finds nothing, a server starts on it, all is there", async () => {
  await using trial = await DataTrial.make();
  const { api, rootDir } = trial;
  const index = buildIndex();
  const signature = buildImage({ subject: index.index, artifactType: "application/x.signature" });
  await api.pushImage("team/app", index, "v1");
  await api.pushImage("team/app", signature, signature.manifest.digest);
  const open = await api.openUpload("team/app");
  const backup = trial.path("backup");

  const made = await trial.run("export", "--backup", backup, "--json");
  assert.deepEqual([made.code, made.stderr], [0, ""]);
  const report = JSON.parse(made.stdout);
  assert.deepEqual([report.blobs, report.linked, report.copied, report.upload_sessions], [9, 9, 0, 1]);
  assert.deepEqual(JSON.parse(await Deno.readTextFile(`${backup}/backup.json`)), report);
  const { digest } = index.images[0]!.layers[0]!;
  assert.equal(inodeOf(blobPath(backup, digest)), inodeOf(blobPath(rootDir, digest)));
  assert.equal(Deno.statSync(backup).mode! & 0o777, 0o700);
  for await (const path of everythingIn(backup)) {
    const { mode, isDirectory } = Deno.statSync(path);
    assert.equal(mode! & 0o777, isDirectory ? 0o700 : 0o600, path);
  }
  assert.deepEqual([...Deno.readDirSync(`${backup}/uploads`)], []);
  const scrub = await runOn(trial, backup, "scrub");
  assert.deepEqual([scrub.code, scrub.stderr], [0, ""]);
  assert.match(scrub.stdout, /^9 blobs .* and 4 manifests read: nothing wrong\n$/);

  // What happens after the backup is not in it, and what is in it stays.
  assert.equal((await api.request("DELETE", `/v2/team/app/manifests/${index.index.digest}`)).status, 202);
  await trial.stop();
  await Deno.remove(rootDir, { recursive: true });
  await trial.start(backup);
  assert.equal(await trial.api.findDigest("team/app", "v1"), index.index.digest);
  for (const content of [...index.images[0]!.layers, index.images[1]!.config]) {
    const answer = await trial.api.expect(200, "GET", `/v2/team/app/blobs/${content.digest}`);
    assertSameBytes(await answer.bytes(), content.bytes);
  }
  const referrers = await trial.api.expect(200, "GET", `/v2/team/app/referrers/${index.index.digest}`);
  assert.equal((await referrers.json()).manifests[0].digest, signature.manifest.digest);
  const gone = await trial.api.request("GET", new URL(open, "http://registry").pathname);
  assert.deepEqual([gone.status, (await gone.json()).errors[0].code], [404, "BLOB_UPLOAD_UNKNOWN"]);
});

Deno.test("small blobs are in the backup of the database, and a server on it has them", async () => {
  await using trial = await DataTrial.make('small_blob_limit = "16KiB"');
  const [small, large] = [await pushBlob(trial), await pushBlob(trial, 20_000)];
  const backup = trial.path("backup");
  const made = await trial.run("export", "--backup", backup, "--json");
  const { blobs, in_database, linked, damaged } = JSON.parse(made.stdout);
  assert.deepEqual([made.code, blobs, in_database, linked, damaged], [0, 2, 1, 1, 0]);
  const again = await trial.run("export", "--backup", trial.path("second"), "--copy", "--previous", backup);
  assert.match(again.stdout, /2 blobs .*: 1 with the previous backup, 1 in the database/);
  assert.equal((await runOn(trial, backup, "scrub")).code, 0);
  await trial.stop();
  await trial.start(backup);
  for (const { digest, bytes } of [small, large]) {
    const answer = await trial.api.expect(200, "GET", `/v2/app/blobs/${digest}`);
    assertSameBytes(await answer.bytes(), bytes);
  }
});

Deno.test("without a server a backup takes the lock, and nobody can start meanwhile", async () => {
  await using trial = await DataTrial.make();
  const blob = await pushBlob(trial);
  await trial.stop();
  assert.equal((await trial.run("export", "--backup", trial.path("one"))).code, 0);
  assert.equal((await runOn(trial, trial.path("one"), "scrub")).code, 0);
  const pipe = await stopAt(trial, blob);
  const child = await startStuckBackup(trial, trial.path("two"));
  const started = await trial.run("server");
  assert.equal(started.code, 1);
  assert.match(started.stderr, /another simple-registry \(process \d+\) holds/);
  child.kill("SIGKILL");
  await child.output();
  await Deno.rename(`${pipe}.aside`, pipe);
  await assertNotWhole(trial, trial.path("two"));
});

Deno.test("a folder that is not empty, is inside the data, or is no folder is refused, and nothing is written to it", async () => {
  await using trial = await DataTrial.make();
  await Deno.mkdir(trial.path("full"));
  await Deno.writeTextFile(trial.path("full/mine"), "");
  await Deno.symlink(trial.rootDir, trial.path("link"));
  const cases: [directory: string, text: RegExp][] = [
    [trial.path("full"), /mine is there already, and the folder has to be empty/],
    [trial.path("full/mine"), /Not a directory/],
    [`${trial.rootDir}/backup`, /it is in the data directory/],
    [trial.path("link/backup"), /it is in the data directory/],
    [trial.path("no/such"), /No such file or directory/],
  ];
  for (const [directory, text] of cases) {
    const { code, stderr } = await trial.run("export", "--backup", directory);
    assert.equal(code, 1, directory);
    assert.match(stderr, text);
  }
  assert.deepEqual([...Deno.readDirSync(trial.path("full"))].map(({ name }) => name), ["mine"]);
  assert.ok(!exists(`${trial.rootDir}/backup`));
  const { code, stderr } = await trial.run(
    "export",
    "--backup",
    trial.path("new"),
    "--previous",
    trial.path("full"),
  );
  assert.equal(code, 1);
  assert.match(stderr, /it is no backup that came to its end/);
  assert.ok(!exists(trial.path("new")), "the next try finds nothing in its way");
  for (
    const args of [["export"], ["export", "--backup"], ["export", "--backup", "x", "--mend"], [
      "export",
      "--backup",
      "x",
      "--since",
      "y",
    ]]
  ) {
    assert.equal((await trial.run(...args)).code, 2, args.join(" "));
  }
});

Deno.test("of backups that begin at once in one folder one is made there, and the others are told that it is not theirs", async () => {
  await using trial = await DataTrial.make();
  const all = await Promise.allSettled(
    Array.from({ length: 8 }, () => makeBackupFolder(trial.path("one"), trial.rootDir)),
  );
  assert.equal(all.filter(({ status }) => status === "fulfilled").length, 1);
  for (const outcome of all) {
    if (outcome.status === "rejected") {
      assert.match(outcome.reason.message, /backup\.incomplete is there already/);
    }
  }
});

Deno.test("a backup shares with the one before it what that has already, and stays whole when that is removed", async () => {
  await using trial = await DataTrial.make();
  const [old, gone] = [await pushBlob(trial), await pushBlob(trial)];
  const [first, second] = [trial.path("first"), trial.path("second")];
  assert.equal((await trial.run("export", "--backup", first, "--copy")).code, 0);
  assert.notEqual(inodeOf(blobPath(first, old.digest)), inodeOf(blobPath(trial.rootDir, old.digest)));
  await trial.api.expect(202, "DELETE", `/v2/app/blobs/${gone.digest}`);
  const late = await pushBlob(trial);
  const made = await trial.run("export", "--backup", second, "--previous", first, "--copy", "--json");
  const { from_previous, copied, linked } = JSON.parse(made.stdout);
  assert.deepEqual([from_previous, copied, linked], [1, 1, 0]);
  assert.equal(inodeOf(blobPath(second, old.digest)), inodeOf(blobPath(first, old.digest)));
  await Deno.remove(first, { recursive: true });
  assert.equal((await runOn(trial, second, "scrub")).code, 0);
  assert.deepEqual(await Deno.readFile(blobPath(second, late.digest)), late.bytes);
});

Deno.test("what the registry has lost or damaged is told with exit code 1, and the rest is in the backup", async () => {
  await using trial = await DataTrial.make();
  const [sound, flipped, short, gone] = [
    await pushBlob(trial),
    await pushBlob(trial),
    await pushBlob(trial),
    await pushBlob(trial),
  ];
  flipBit(blobPath(trial.rootDir, flipped.digest), 3);
  await Deno.truncate(blobPath(trial.rootDir, short.digest), 10);
  await Deno.remove(blobPath(trial.rootDir, gone.digest));
  const copied = await trial.run("export", "--backup", trial.path("copied"), "--copy");
  assert.equal(copied.code, 1);
  assert.match(copied.stdout, new RegExp(`damaged: blob ${flipped.digest}: its bytes have another digest`));
  assert.match(
    copied.stdout,
    new RegExp(`damaged: blob ${short.digest}: its file has 10 bytes, expected 1000`),
  );
  assert.match(copied.stdout, new RegExp(`damaged: blob ${gone.digest}: its file is not there`));
  assert.match(copied.stdout, /is whole: 4 blobs .*: 3 copied\n$/);
  assert.deepEqual(await Deno.readFile(blobPath(trial.path("copied"), sound.digest)), sound.bytes);
  // Links read no bytes: a scrub of the backup does.
  const linked = JSON.parse((await trial.run("export", "--backup", trial.path("linked"), "--json")).stdout);
  assert.deepEqual([linked.damaged, linked.linked], [2, 3]);
  const scrub = await runOn(trial, trial.path("linked"), "scrub");
  assert.match(scrub.stdout, /read: 1 missing, 1 damaged, 1 truncated\n$/);
});

Deno.test("what is damaged in the backup before is not shared with it: it is told again, and copied whole when it is healed", async () => {
  await using trial = await DataTrial.make();
  const [sound, flipped] = [await pushBlob(trial), await pushBlob(trial)];
  const path = blobPath(trial.rootDir, flipped.digest);
  const backUp = async (name: string, previous: string) => {
    const args = ["--backup", trial.path(name), "--previous", trial.path(previous), "--copy", "--json"];
    const { code, stdout } = await trial.run("export", ...args);
    const { damaged, from_previous } = JSON.parse(stdout);
    return { code, damaged, from_previous };
  };
  flipBit(path, 3);
  assert.equal((await trial.run("export", "--backup", trial.path("one"), "--copy")).code, 1);
  assert.deepEqual(await backUp("two", "one"), { code: 1, damaged: 1, from_previous: 1 });
  // As where the disk was read wrongly, and not written so.
  flipBit(path, 3);
  assert.deepEqual(await backUp("three", "two"), { code: 0, damaged: 0, from_previous: 1 });
  for (const blob of [sound, flipped]) {
    assertSameBytes(await Deno.readFile(blobPath(trial.path("three"), blob.digest)), blob.bytes);
  }
});

Deno.test("while files are copied a deletion is answered at once, and its file goes when the backup is over", async () => {
  await using trial = await DataTrial.make();
  const [stuck, deleted] = [await pushBlob(trial), await pushBlob(trial)];
  const pipe = await stopAt(trial, stuck);
  const file = blobPath(trial.rootDir, deleted.digest);
  const child = await startStuckBackup(trial, trial.path("backup"));
  await trial.api.expect(202, "DELETE", `/v2/app/blobs/${deleted.digest}`);
  const collected = await trial.run("collect", "--grace", "20m");
  assert.equal(collected.code, 0);
  assert.ok(exists(file));
  // What the pipe gives is not what the blob was: the copy says so, and the backup comes to its end.
  await Deno.writeFile(pipe, randomBytes(1000));
  const { code, stderr } = await child.output();
  assert.deepEqual([code, new TextDecoder().decode(stderr)], [1, ""]);
  assert.deepEqual(await Deno.readFile(blobPath(trial.path("backup"), deleted.digest)), deleted.bytes);
  await until(() => !exists(file), () => "the file stays after the backup");
});

Deno.test("a backup whose command is killed says that it is not whole, and the server goes on removing files", async () => {
  await using trial = await DataTrial.make();
  const [stuck, deleted] = [await pushBlob(trial), await pushBlob(trial)];
  const pipe = await stopAt(trial, stuck);
  const child = await startStuckBackup(trial, trial.path("backup"));
  child.kill("SIGKILL");
  await child.output();
  await trial.registry.process.waitForLine("the end of the hold", (line) => {
    return line.includes("a command has read blob files") || undefined;
  });
  const file = blobPath(trial.rootDir, deleted.digest);
  await trial.api.expect(202, "DELETE", `/v2/app/blobs/${deleted.digest}`);
  assert.ok(!exists(file));
  await Deno.rename(`${pipe}.aside`, pipe);
  await assertNotWhole(trial, trial.path("backup"));
});

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  Deno.test(`a backup whose server ends by ${signal} fails, and says what to do with what is there`, async () => {
    await using trial = await DataTrial.make();
    const pipe = await stopAt(trial, await pushBlob(trial));
    const child = await startStuckBackup(trial, trial.path("backup"));
    await trial.stop(signal);
    const { code, stderr } = await child.output();
    assert.equal(code, 1);
    assert.match(
      new TextDecoder().decode(stderr),
      /the backup was not made: .*\. Remove \S+\/backup, it is not whole\n$/,
    );
    await Deno.rename(`${pipe}.aside`, pipe);
    await assertNotWhole(trial, trial.path("backup"));
  });
}

Deno.test("a backup on another disk copies, and on one that is too small says so before it copies", async () => {
  await runOnSmallDisk("16m", new URL("./backup_disk_scenario.ts", import.meta.url));
});
