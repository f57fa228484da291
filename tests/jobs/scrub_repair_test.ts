/** What a repair puts aside is answered as missing, explained beside it, and healed by the next push. */
import assert from "node:assert/strict";
import type { ManifestPushOutcome } from "../../src/ports/metadata_store.ts";
import { makeUploadSessionId } from "../../src/core/upload_session_id.ts";
import { blobFileOf } from "../../src/storage/files/layout.ts";
import { flipBit } from "../faults/damage.ts";
import { push, reference, tag } from "../storage/temp_storage.ts";
import { A, B, found, ScrubTrial } from "./scrub_trial.ts";

Deno.test("a damaged, a truncated and a missing blob are withdrawn, and one push heals each for all who hold it", async () => {
  using trial = new ScrubTrial();
  const blobs = [await trial.pushBlob(), await trial.pushBlob(), await trial.pushBlob()];
  const manifest = await trial.pushManifest("v1", blobs);
  for (const { bytes } of blobs) await trial.pushBlob(0, B, bytes);
  const fileOf = async (digest: (typeof blobs)[number]["digest"]) =>
    (await trial.store.findBlob(digest))!.file;
  const [flipped, short, gone] = await Promise.all(blobs.map(({ digest }) => fileOf(digest)));
  flipBit(trial.path(flipped!), 7);
  await Deno.truncate(trial.path(short!), 10);
  await Deno.remove(trial.path(gone!));

  const report = await trial.repair();
  assert.deepEqual(report.findings.map(({ repair }) => repair !== undefined), [true, true, true]);
  const names = [flipped!, short!].map((file) => file.slice(file.lastIndexOf("/") + 1));
  assert.deepEqual(trial.listQuarantine(), names.flatMap((name) => [name, `${name}.txt`]).sort());
  const note = await Deno.readTextFile(`${trial.storage.layout.quarantine}/${names[0]}.txt`);
  assert.match(note, new RegExp(`^damaged: blob ${blobs[0]!.digest} has bytes with the digest`));
  assert.match(note, new RegExp(`In a, b\\.\\nNeeded by ${manifest}`));
  assert.deepEqual(trial.storage.listBlobFiles(), []);

  // Until they are pushed they are missing, and no manifest may count on them.
  assert.deepEqual(found(await trial.scrub()), blobs.map(({ digest }) => `missing ${digest}`).sort());
  assert.deepEqual(found(await trial.repair()), blobs.map(({ digest }) => `missing ${digest}`).sort());
  const refused = await trial.metadata.store.putManifest(push(A, "another", {
    references: blobs.map(({ digest, bytes }) => reference("layer", digest, bytes.length)),
    tags: [tag("v2")],
  }));
  assert.deepEqual(
    refused,
    {
      kind: "blobs_missing",
      missing: blobs.map(({ digest }) => digest),
    } satisfies ManifestPushOutcome,
  );

  for (const { bytes } of blobs) await trial.pushBlob(0, B, bytes);
  assert.deepEqual(found(await trial.scrub()), []);
  for (const { digest } of blobs) {
    for (const repository of [A, B]) {
      const { file, size } = (await trial.metadata.store.findBlob(repository, digest))!;
      assert.equal(await trial.storage.openBlobs().isWhole(file, size), true);
    }
  }
});

Deno.test("a push that was under way when its blob was withdrawn heals it too", async () => {
  using trial = new ScrubTrial();
  const session = await trial.metadata.start(A, Date.now() - 3_600_000);
  const blob = await trial.pushBlob();
  flipBit(trial.path(blob.file), 0);
  await trial.repair();
  const file = blobFileOf(blob.digest, session);
  await Deno.writeFile(trial.path(file), blob.bytes);
  const outcome = await trial.metadata.store.finishUpload(
    { session, repository: A, digest: blob.digest, size: blob.bytes.length, file, at: Date.now() },
  );
  assert.equal(outcome.kind, "finished");
  assert.equal((await trial.store.findBlob(blob.digest))!.file, file);
  assert.deepEqual(found(await trial.scrub()), []);
});

Deno.test("a damaged manifest is withdrawn also from memories of its good bytes, and a push heals it for all", async () => {
  using trial = new ScrubTrial();
  const manifest = await trial.pushManifest("v1");
  await trial.pushManifest("v1", [], B);
  const find = () => trial.metadata.store.findManifest(A, { kind: "tag", tag: tag("v1") });
  assert.notEqual(await find(), undefined);
  trial.change("UPDATE content SET bytes = ? WHERE digest = ?", new Uint8Array([1, 2]), manifest);
  const report = await trial.repair();
  assert.deepEqual(found(report), [`damaged ${manifest}`]);
  assert.match(report.findings[0]!.repair!, /lie at quarantine\/[0-9a-f]{64}\.manifest;/);
  const path = `${trial.storage.layout.quarantine}/${manifest.slice(7)}.manifest`;
  assert.deepEqual(await Deno.readFile(path), new Uint8Array([1, 2]));
  assert.equal(await find(), undefined);
  assert.deepEqual(found(await trial.scrub()), [`missing ${manifest}`]);
  await trial.pushManifest("v1", [], B);
  assert.notEqual(await find(), undefined);
  assert.deepEqual(found(await trial.scrub()), []);
});

Deno.test("strays are put aside when they are old enough, and no name is used twice", async () => {
  using trial = new ScrubTrial();
  const blob = await trial.pushBlob();
  const stray = blobFileOf(blob.digest, makeUploadSessionId());
  const old = `${trial.storage.layout.uploads}/notes`;
  for (const content of ["one", "two"]) {
    await Deno.writeTextFile(trial.path(stray), content);
    await Deno.writeTextFile(old, content);
    const young = await trial.repair({ strayAgeMs: 3_600_000 });
    assert.equal(young.findings.length, 2);
    assert.ok(
      young.findings.every(({ repair, advice }) => repair === undefined && /left alone/.test(advice)),
    );
    const later = await trial.repair({ strayAgeMs: 3_600_000, clock: { now: () => Date.now() + 3_700_000 } });
    assert.ok(later.findings.every(({ repair }) => repair !== undefined));
  }
  const name = stray.slice(stray.lastIndexOf("/") + 1);
  assert.deepEqual(
    trial.listQuarantine(),
    [name, `${name}.1`, "notes", "notes.1"].flatMap((file) => [file, `${file}.txt`]).sort(),
  );
  assert.deepEqual(found(await trial.scrub()), []);
});

Deno.test("a file that has the name of another one's note is not written over", async () => {
  using trial = new ScrubTrial();
  const { uploads, quarantine } = trial.storage.layout;
  for (const name of ["a.txt", "a"]) {
    await Deno.writeTextFile(`${uploads}/${name}`, `this is ${name}`);
    await trial.repair();
  }
  assert.deepEqual(trial.listQuarantine(), ["a.1", "a.1.txt", "a.txt", "a.txt.txt"]);
  assert.equal(await Deno.readTextFile(`${quarantine}/a.txt`), "this is a.txt");
});

Deno.test("while a backup counts on every file a damaged one stays where it is, though no answer names it", async () => {
  using trial = new ScrubTrial();
  const blob = await trial.pushBlob();
  flipBit(trial.path(blob.file), 0);
  const release = trial.removalHold.take();
  const report = await trial.repair();
  assert.match(report.findings[0]!.repair!, /stays until the backup/);
  assert.deepEqual(trial.storage.listBlobFiles(), [blob.file]);
  assert.notEqual((await trial.store.findBlob(blob.digest))!.file, blob.file);
  release();
  assert.deepEqual(
    found(await trial.repair()),
    [`missing ${blob.digest}`, `stray blobs/${blob.file}`],
  );
  assert.deepEqual(trial.storage.listBlobFiles(), []);
});

Deno.test("what is pushed again between the finding and the repair is left alone", async () => {
  using trial = new ScrubTrial();
  const blob = await trial.pushBlob();
  flipBit(trial.path(blob.file), 0);
  const report = await trial.repair({
    withdrawals: {
      async withdrawBlob(digest, file) {
        await trial.pushBlob(0, A, blob.bytes);
        return await trial.withdrawals.withdrawBlob(digest, file);
      },
      withdrawContent: () => assert.fail("no manifest is damaged"),
    },
  });
  assert.deepEqual(found(report), []);
  assert.deepEqual(trial.listQuarantine(), []);
});
