/** The collection: what goes, what stays, and that a dry run says the same. */
import assert from "node:assert/strict";
import { makeUploadSessionId } from "../../src/core/upload_session_id.ts";
import { fakeDigest, makeSession, reference, tag } from "../storage/temp_storage.ts";
import { A, B, CollectTrial, GRACE, HOUR, taken } from "./collect_trial.ts";

Deno.test("a blob that no manifest references goes when its last announcement is older than the grace", async () => {
  using trial = new CollectTrial();
  const blob = await trial.pushBlob("never needed");
  trial.time += GRACE;
  assert.deepEqual(taken(await trial.collect()), []);
  assert.ok(await trial.hasBlob(blob));
  trial.time += 1;
  assert.deepEqual(taken(await trial.collect()), [
    `blob ${blob.digest}`,
    `hold a ${blob.digest}`,
    "repository a",
  ]);
  assert.deepEqual([trial.countRows(), trial.storage.listBlobFiles()], [{}, []]);
});

Deno.test("an announcement keeps a blob for another grace, also one from the future", async () => {
  using trial = new CollectTrial();
  const [asked, future] = [await trial.pushBlob("asked for"), await trial.pushBlob("of tomorrow")];
  await trial.metadata.store.announceBlob(A, future.digest, trial.time + 24 * HOUR);
  trial.time += GRACE - HOUR;
  await trial.metadata.store.announceBlob(A, asked.digest, trial.time);
  trial.time += 2 * HOUR;
  await trial.collect();
  assert.deepEqual([await trial.hasBlob(asked), await trial.hasBlob(future)], [true, true]);
  trial.time += GRACE;
  await trial.collect();
  assert.deepEqual([await trial.hasBlob(asked), await trial.hasBlob(future)], [false, true]);
});

Deno.test("configs, layers and layers that lie elsewhere stay with a manifest of the same repository, and go after it", async () => {
  using trial = new CollectTrial();
  const [config, layer, foreign] = [
    await trial.pushBlob("config"),
    await trial.pushBlob("layer"),
    await trial.pushBlob("foreign"),
  ];
  const image = await trial.pushImage("image", [], {
    references: [
      reference("config", config.digest, config.size),
      reference("layer", layer.digest, layer.size),
      reference("foreign", foreign.digest, foreign.size),
    ],
  });
  trial.time += 100 * GRACE;
  assert.deepEqual(taken(await trial.collect()), []);
  await trial.deleteManifest(image);
  const report = await trial.collect();
  assert.deepEqual([report.counts.hold, report.counts.blob, report.counts.repository], [3, 3, 1]);
  assert.equal(report.bytes_freed, "config".length + "layer".length + "foreign".length);
  assert.deepEqual([trial.countRows(), trial.storage.listBlobFiles()], [{}, []]);
});

Deno.test("a blob goes from the repository that does not need it and stays in the one that does", async () => {
  using trial = new CollectTrial();
  const blob = await trial.pushBlob("shared");
  const { store } = trial.metadata;
  await store.mountBlob({ repository: B, from: A, digest: blob.digest, at: trial.time });
  await trial.pushImage("of b", [blob], {}, B);
  trial.time += 2 * GRACE;
  assert.deepEqual(taken(await trial.collect()), [`hold a ${blob.digest}`, "repository a"]);
  assert.deepEqual([await trial.hasBlob(blob, A), await trial.hasBlob(blob, B)], [false, true]);
});

Deno.test("an untagged manifest that is about nothing stays, with children of an index and referrers of what is there", async () => {
  using trial = new CollectTrial();
  const layer = await trial.pushBlob("layer");
  const image = await trial.pushImage("image", [layer]);
  const index = await trial.pushIndex("index", [image]);
  const signature = await trial.pushImage("signature", [], { subject: index });
  const ofSignature = await trial.pushImage("of the signature", [], { subject: signature });
  trial.time += 100 * GRACE;
  assert.deepEqual(taken(await trial.collect()), []);
  for (const digest of [image, index, signature, ofSignature]) assert.ok(await trial.hasManifest(digest));
});

Deno.test("a referrer goes with its referrers and its blobs when its subject is gone", async () => {
  using trial = new CollectTrial();
  const [layer, sbomLayer] = [await trial.pushBlob("layer"), await trial.pushBlob("packages")];
  const image = await trial.pushImage("image", [layer]);
  const sbom = await trial.pushImage("sbom", [sbomLayer], { subject: image });
  const signature = await trial.pushImage("signature of the sbom", [], { subject: sbom });
  await trial.deleteManifest(image);
  trial.time += 2 * GRACE;
  const dry = await trial.collect({ dryRun: true });
  assert.ok(await trial.hasManifest(sbom));
  const report = await trial.collect();
  assert.deepEqual(taken(dry), taken(report));
  assert.deepEqual([report.counts.referrer, report.counts.hold, report.counts.blob], [2, 2, 2]);
  assert.ok(!await trial.hasManifest(sbom) && !await trial.hasManifest(signature));
  assert.deepEqual([trial.countRows(), trial.storage.listBlobFiles()], [{}, []]);
});

Deno.test("a referrer that came before its subject waits for it for the grace", async () => {
  using trial = new CollectTrial();
  const subject = fakeDigest(1);
  const early = await trial.pushImage("early", [], { subject });
  trial.time += GRACE - 1;
  await trial.collect();
  assert.ok(await trial.hasManifest(early));
  trial.time += 2;
  await trial.collect();
  assert.ok(!await trial.hasManifest(early));
});

Deno.test("a referrer stays that was pulled lately, that is tagged, or whose tag can be taken back", async () => {
  using trial = new CollectTrial();
  const subject = fakeDigest(1);
  const pulled = await trial.pushImage("pulled", [], { subject });
  const tagged = await trial.pushImage("tagged", [], { subject, tagged: "v1" });
  const untagged = await trial.pushImage("untagged", [], { subject, tagged: "v2" });
  trial.time += 2 * GRACE;
  await trial.metadata.store.deleteTag(A, tag("v2"), trial.time);
  await trial.metadata.store.recordPulls([
    { repository: A, digest: pulled, tag: undefined, client: "somebody", at: trial.time },
  ]);
  assert.deepEqual(taken(await trial.collect()), []);
  trial.time += 2 * GRACE;
  assert.deepEqual(taken(await trial.collect()), [`referrer a ${pulled}`]);
  trial.time += 31 * 24 * HOUR;
  assert.deepEqual(taken(await trial.collect()), [`referrer a ${untagged}`]);
  assert.ok(await trial.hasManifest(tagged));
});

Deno.test("an orphan in an index stays with the index, and goes in the same run as an index that is an orphan too", async () => {
  using trial = new CollectTrial();
  const subject = fakeDigest(1);
  const inIndex = await trial.pushImage("in an index", [], { subject });
  const inOrphan = await trial.pushImage("in an orphan", [], { subject });
  await trial.pushIndex("index", [inIndex]);
  const orphan = await trial.pushIndex("orphaned index", [inOrphan], { subject: fakeDigest(2) });
  trial.time += 2 * GRACE;
  const dry = await trial.collect({ dryRun: true });
  const report = await trial.collect();
  assert.deepEqual(taken(report), [`referrer a ${inOrphan}`, `referrer a ${orphan}`].sort());
  assert.deepEqual(taken(dry), taken(report));
  assert.ok(await trial.hasManifest(inIndex));
});

Deno.test("an orphan waits until it has been one for long enough, so that a subject may come back", async () => {
  using trial = new CollectTrial();
  const image = await trial.pushImage("image");
  const signature = await trial.pushImage("signature", [], { subject: image });
  trial.time += 2 * GRACE;
  await trial.deleteManifest(image);
  trial.time += GRACE;
  assert.deepEqual(taken(await trial.collect()), []);
  trial.time += 1;
  const expected = [`referrer a ${signature}`, "repository a"];
  assert.deepEqual(taken(await trial.collect({ dryRun: true })), expected);
  assert.deepEqual(taken(await trial.collect()), expected);
  assert.deepEqual(trial.metadata.rows("SELECT * FROM gone_subject"), []);
});

Deno.test("a repository stays while it has a manifest, a blob, a tag's history or an upload", async () => {
  using trial = new CollectTrial();
  const { store } = trial.metadata;
  const image = await trial.pushImage("image", [], { tagged: "v1" });
  trial.time += 2 * GRACE;
  await trial.deleteManifest(image);
  await trial.collect();
  assert.ok(await store.hasRepository(A), "its history tells who deleted the tag");
  await store.pruneTagHistory(Infinity, 100);
  const session = makeSession(A, 0);
  await store.startUpload(session);
  await trial.collect();
  assert.ok(await store.hasRepository(A), "somebody uploads to it");
  await store.cancelUpload(A, session.id);
  assert.deepEqual(taken(await trial.collect()), ["repository a"]);
  assert.ok(!await store.hasRepository(A));
});

Deno.test("a repository with thousands of pulls on record goes in pieces", async () => {
  using trial = new CollectTrial();
  const image = await trial.pushImage("image");
  await trial.deleteManifest(image);
  trial.metadata.database.exec(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
    INSERT INTO pull (repository, digest, tag, client, at) SELECT 1, 'd', '', i, 1 FROM n`);
  trial.time += 2 * GRACE;
  assert.deepEqual(taken(await trial.collect()), ["repository a"]);
  assert.deepEqual(trial.metadata.rows("SELECT * FROM pull"), []);
});

Deno.test("rows that nothing leads to go, as a database that was changed by hand may have them", async () => {
  using trial = new CollectTrial();
  const blob = await trial.pushBlob("not held");
  trial.metadata.database.exec("DELETE FROM hold");
  trial.metadata.database.exec("INSERT INTO content (digest, bytes) VALUES ('sha256:1', x'0000')");
  assert.deepEqual(taken(await trial.collect()), ["content sha256:1"]);
  trial.time += 2 * GRACE;
  assert.deepEqual(taken(await trial.collect()), [`blob ${blob.digest}`, "repository a"]);
  assert.deepEqual([trial.countRows(), trial.storage.listBlobFiles()], [{}, []]);
});

Deno.test("a file goes that no row names, of a blob or of an upload, when it is old and has lain there for long enough", async () => {
  using trial = new CollectTrial();
  const { layout } = trial.storage;
  const kept = await trial.pushBlob("kept");
  await trial.pushImage("image", [kept]);
  const cut = await trial.pushBlob("its removal was cut by a crash");
  trial.metadata.database.exec(`DELETE FROM hold WHERE digest = '${cut.digest}'`);
  trial.metadata.database.exec(`DELETE FROM blob WHERE digest = '${cut.digest}'`);
  const [lost, open] = [makeUploadSessionId(), await trial.metadata.start(A, trial.time)];
  for (const id of [lost, open]) Deno.writeTextFileSync(layout.upload(id), "part");
  Deno.writeTextFileSync(`${layout.uploads}/note.txt`, "of a person");
  assert.deepEqual(taken(await trial.collect()), [], "they are young");
  trial.time += 2 * GRACE;
  const asked: string[] = [];
  const strays = { files: trial.files, store: trial.unknown };
  await trial.collect({ strays: { ...strays, isRipe: (path) => asked.push(path) < 0 } });
  assert.deepEqual(asked.sort(), [`blobs/${cut.file}`, `uploads/${lost}`].sort());
  const dry = await trial.collect({ dryRun: true });
  const report = await trial.collect();
  assert.deepEqual(taken(report), [`stray blobs/${cut.file}`, `stray uploads/${lost}`].sort());
  assert.deepEqual(taken(dry), taken(report));
  assert.equal(report.bytes_freed, "its removal was cut by a crash".length + "part".length);
  assert.deepEqual(trial.storage.listBlobFiles(), [kept.file]);
  assert.deepEqual(trial.storage.listUploadFiles(), [open, "note.txt"].sort());
});

Deno.test("the file of a finish between its rename and its commit is no stray", async () => {
  using trial = new CollectTrial();
  const session = await trial.metadata.start(A, trial.time);
  await trial.blobs.createUpload(session);
  const writer = (await trial.blobs.openUpload(session, "sha256"))!;
  await writer.append(new TextEncoder().encode("bytes"));
  const digest = await writer.digest("sha256");
  const file = await writer.promote(digest);
  trial.time += 2 * GRACE;
  assert.deepEqual(taken(await trial.collect()), []);
  await trial.metadata.store.finishUpload({
    session,
    repository: A,
    digest,
    size: 5,
    file,
    at: trial.time,
  });
  await writer.close();
  assert.deepEqual(taken(await trial.collect()), []);
  assert.ok(await trial.hasBlob({ digest, size: 5, file }));
});

Deno.test("one file that cannot be removed keeps neither the other ones nor their rows", async () => {
  using trial = new CollectTrial();
  const [one, other] = [await trial.pushBlob("one"), await trial.pushBlob("other")];
  trial.time += 2 * GRACE;
  const { blobs } = trial;
  const report = await trial.collect({
    blobs: Object.create(blobs, {
      remove: {
        value: async (file: string) => {
          if (file === one.file) throw new Error("read-only file system");
          await blobs.remove(other.file);
        },
      },
    }),
  });
  assert.equal(report.counts.blob, 2);
  assert.deepEqual(trial.storage.listBlobFiles(), [one.file]);
  assert.ok(trial.lines.some(({ message }) => message.includes("could not be removed")));
  assert.deepEqual(
    taken(await trial.collect()),
    [`stray blobs/${one.file}`],
    "a later run takes it as a stray",
  );
});

Deno.test("a run says in the log what went and why, and how much room that made", async () => {
  using trial = new CollectTrial();
  const image = await trial.pushImage("image");
  const signature = await trial.pushImage("signature", [await trial.pushBlob("layer")], { subject: image });
  await trial.deleteManifest(image);
  trial.time += 2 * GRACE;
  await trial.collect();
  const fields = trial.lines.map(({ fields }) => fields as Record<string, unknown>);
  assert.deepEqual(fields[0], {
    kind: "referrer",
    repository: A,
    digest: signature,
    subject: image,
    bytes: "signature".length,
    age_ms: 2 * GRACE,
    why: "its subject is gone, and no tag or index leads to it",
  });
  const { ms, ...summary } = fields.at(-1)!;
  assert.equal(typeof ms, "number");
  assert.deepEqual(summary, {
    referrer: 1,
    hold: 1,
    blob: 1,
    content: 0,
    repository: 1,
    stray: 0,
    bytes_freed: 5,
  });
});

Deno.test("a dry run tells what the run does, and changes nothing", async () => {
  using trial = new CollectTrial();
  const shared = await trial.pushBlob("shared");
  await trial.metadata.store.mountBlob({ repository: B, from: A, digest: shared.digest, at: trial.time });
  const image = await trial.pushImage("image", [await trial.pushBlob("layer"), shared], { tagged: "v1" });
  await trial.pushImage("signature", [shared], { subject: image });
  const other = await trial.pushImage("other", [shared], {}, B);
  await trial.pushImage("signature of other", [shared], { subject: other }, B);
  await trial.deleteManifest(image);
  await trial.deleteManifest(other, B);
  trial.time += 2 * GRACE;
  const before = [trial.countRows(), trial.storage.listBlobFiles().sort()];
  const dry = await trial.collect({ dryRun: true });
  assert.deepEqual([trial.countRows(), trial.storage.listBlobFiles().sort()], before);
  assert.deepEqual(trial.lines, []);
  const report = await trial.collect();
  assert.deepEqual(taken(dry), taken(report));
  assert.deepEqual([dry.counts, dry.bytes_freed], [report.counts, report.bytes_freed]);
  assert.equal(report.counts.repository, 1, "a has a history");
});
