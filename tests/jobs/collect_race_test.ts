/** What a client does between a look of the collection and its removal wins. */
import assert from "node:assert/strict";
import { tag } from "../storage/temp_storage.ts";
import { A, B, CollectTrial, GRACE, taken } from "./collect_trial.ts";

Deno.test("a blob that is announced between look and removal stays", async () => {
  using trial = new CollectTrial();
  const blob = await trial.pushBlob("asked for just now");
  trial.time += 2 * GRACE;
  const report = await trial.collectWhile(
    "removeHolds",
    () => trial.metadata.store.announceBlob(A, blob.digest, trial.time),
  );
  assert.deepEqual(taken(report), []);
  assert.ok(await trial.hasBlob(blob));
});

Deno.test("a blob that a manifest references between look and removal stays", async () => {
  using trial = new CollectTrial();
  const blob = await trial.pushBlob("layer of a late manifest");
  trial.time += 2 * GRACE;
  const report = await trial.collectWhile("removeHolds", () => trial.pushImage("late", [blob]));
  assert.deepEqual(taken(report), []);
  assert.ok(await trial.hasBlob(blob));
});

Deno.test("a blob that is mounted elsewhere between look and removal stays there", async () => {
  using trial = new CollectTrial();
  const blob = await trial.pushBlob("mounted just now");
  trial.time += 2 * GRACE;
  const report = await trial.collectWhile("removeHolds", async () => {
    const { digest } = blob;
    assert.ok(await trial.metadata.store.mountBlob({ repository: B, from: A, digest, at: trial.time }));
  });
  assert.deepEqual(taken(report), [`hold a ${blob.digest}`, "repository a"]);
  assert.ok(await trial.hasBlob(blob, B));
});

Deno.test("a blob that is pushed again between look and removal has its new bytes", async () => {
  using trial = new CollectTrial();
  const blob = await trial.pushBlob("pushed again");
  trial.time += 2 * GRACE;
  let again = blob;
  const report = await trial.collectWhile("removeHolds", async () => {
    again = await trial.pushBlob("pushed again");
  });
  assert.deepEqual(taken(report), []);
  assert.notEqual(again.file, blob.file);
  assert.deepEqual(trial.storage.listBlobFiles(), [again.file]);
});

Deno.test("a blob that is pushed between the removal of its row and of its file has its new bytes", async () => {
  using trial = new CollectTrial();
  const blob = await trial.pushBlob("pushed anew");
  trial.time += 2 * GRACE;
  const { blobs } = trial;
  let anew = blob;
  await trial.collect({
    blobs: Object.create(blobs, {
      remove: {
        value: async (file: typeof blob.file) => {
          anew = await trial.pushBlob("pushed anew");
          await blobs.remove(file);
        },
      },
    }),
  });
  assert.deepEqual(trial.storage.listBlobFiles(), [anew.file]);
  assert.ok(await trial.hasBlob(anew));
});

Deno.test("an orphan stays whose subject comes back between look and removal", async () => {
  using trial = new CollectTrial();
  const image = await trial.pushImage("image");
  const signature = await trial.pushImage("signature", [], { subject: image });
  await trial.deleteManifest(image);
  trial.time += 2 * GRACE;
  const report = await trial.collectWhile("removeOrphans", () => trial.pushImage("image"));
  assert.deepEqual(taken(report), []);
  assert.ok(await trial.hasManifest(signature));
});

for (
  const [what, happens] of [
    ["is tagged", (trial, digest) => trial.pushImage("orphan", [], { subject: digest, tagged: "v1" })],
    ["is pushed again", (trial, digest) => trial.pushImage("orphan", [], { subject: digest })],
    ["is pulled", (trial, _, orphan) => {
      const pull = { repository: A, digest: orphan, tag: undefined, client: "c", at: trial.time };
      return trial.metadata.store.recordPulls([pull]);
    }],
    ["gets into an index", (trial, _, orphan) => trial.pushIndex("index", [orphan])],
    ["has lost its tag", async (trial, digest) => {
      await trial.pushImage("orphan", [], { subject: digest, tagged: "v1", at: 1 });
      await trial.metadata.store.deleteTag(A, tag("v1"), trial.time);
    }],
  ] as [string, (trial: CollectTrial, subject: never, orphan: never) => Promise<unknown>][]
) {
  Deno.test(`an orphan that ${what} between look and removal stays`, async () => {
    using trial = new CollectTrial();
    const image = await trial.pushImage("image");
    const orphan = await trial.pushImage("orphan", [], { subject: image });
    await trial.deleteManifest(image);
    trial.time += 2 * GRACE;
    const report = await trial.collectWhile(
      "removeOrphans",
      () => happens(trial, image as never, orphan as never),
    );
    assert.deepEqual(taken(report), []);
    assert.ok(await trial.hasManifest(orphan));
  });
}

Deno.test("a blob that nobody held and somebody holds now stays", async () => {
  using trial = new CollectTrial();
  const blob = await trial.pushBlob("held again");
  trial.metadata.database.exec("DELETE FROM hold");
  trial.time += 2 * GRACE;
  const report = await trial.collectWhile("removeUnheldBlobs", async () => {
    trial.metadata.database.prepare("INSERT INTO hold VALUES (1, ?, ?)").run(blob.digest, trial.time);
  });
  assert.deepEqual(taken(report), []);
  assert.ok(await trial.hasBlob(blob));
});

Deno.test("bytes of a manifest that is pushed between look and removal stay", async () => {
  using trial = new CollectTrial();
  const image = await trial.pushImage("image");
  trial.metadata.database.exec("DELETE FROM manifest");
  const report = await trial.collectWhile("removeContents", () => trial.pushImage("image"));
  assert.deepEqual(taken(report), []);
  assert.ok(await trial.hasManifest(image));
});

for (
  const [what, happens] of [
    ["a blob", (trial) => trial.pushBlob("new")],
    ["a manifest", (trial) => trial.pushImage("new")],
    ["an upload", (trial) => trial.metadata.start(A, trial.time)],
  ] as [string, (trial: CollectTrial) => Promise<unknown>][]
) {
  Deno.test(`an empty repository to which ${what} comes between look and removal stays`, async () => {
    using trial = new CollectTrial();
    await trial.deleteManifest(await trial.pushImage("image"));
    trial.time += 2 * GRACE;
    const report = await trial.collectWhile("removeRepository", () => happens(trial));
    assert.deepEqual(taken(report), []);
    assert.ok(await trial.metadata.store.hasRepository(A));
  });
}
