/** A scrub of blobs that the database keeps: what it finds, puts aside, and finds healed. */
import assert from "node:assert/strict";
import { hexOf } from "../../src/core/digest.ts";
import { A, B, found, ScrubTrial } from "./scrub_trial.ts";

/** Damages one of each kind; gives them. */
async function damageThree(trial: ScrubTrial) {
  const [flipped, short, gone] = [
    await trial.pushSmallBlob(),
    await trial.pushSmallBlob(),
    await trial.pushSmallBlob(),
  ];
  const bytes = flipped.bytes.slice();
  bytes[7]! ^= 1;
  trial.change("UPDATE small_blob SET bytes = ? WHERE digest = ?", bytes, flipped.digest);
  trial.change(
    "UPDATE small_blob SET bytes = ? WHERE digest = ?",
    short.bytes.subarray(0, 10),
    short.digest,
  );
  trial.change("DELETE FROM small_blob WHERE digest = ?", gone.digest);
  return { flipped, short, gone };
}

Deno.test("sound small blobs are counted with the others, and nothing is said of them", async () => {
  using trial = new ScrubTrial();
  for (let i = 0; i < 3; i++) await trial.pushSmallBlob();
  await trial.pushBlob(1000);
  const report = await trial.scrub();
  assert.deepEqual([report.blobs, report.bytes, found(report)], [4, 1300, []]);
});

Deno.test("damaged, truncated and missing bytes in the database are told, with who needs them", async () => {
  using trial = new ScrubTrial();
  const { flipped, short, gone } = await damageThree(trial);
  const manifest = await trial.pushManifest("v1", [flipped]);
  const report = await trial.scrub();
  assert.deepEqual(
    found(report),
    [`damaged ${flipped.digest}`, `missing ${gone.digest}`, `truncated ${short.digest}`].sort(),
  );
  const damaged = report.findings.find(({ kind }) => kind === "damaged")!;
  assert.deepEqual([damaged.repositories, damaged.manifests, damaged.path], [[A], [manifest], undefined]);
  assert.match(report.findings.find(({ kind }) => kind === "truncated")!.fault, /has 10 bytes, expected 100/);
});

Deno.test("a repair puts the bytes aside with a note, and one push heals the blob for all who hold it", async () => {
  using trial = new ScrubTrial();
  const { flipped, short, gone } = await damageThree(trial);
  await trial.pushManifest("v1", [flipped]);
  const report = await trial.repair();
  assert.deepEqual(report.findings.map(({ repair }) => repair !== undefined), [true, true, true]);
  const names = [flipped, short].map(({ digest }) => `${hexOf(digest)}.blob`);
  assert.deepEqual(trial.listQuarantine(), names.flatMap((name) => [name, `${name}.txt`]).sort());
  const folder = trial.storage.layout.quarantine;
  assert.equal((await Deno.readFile(`${folder}/${names[1]}`)).length, 10);
  assert.match(
    await Deno.readTextFile(`${folder}/${names[0]}.txt`),
    new RegExp(`^damaged: blob ${flipped.digest}`),
  );
  const all = [flipped, short, gone];
  assert.deepEqual(found(await trial.scrub()), all.map(({ digest }) => `missing ${digest}`).sort());
  for (const { bytes } of all) await trial.pushSmallBlob(B, bytes);
  assert.deepEqual(found(await trial.scrub()), []);
  assert.deepEqual(trial.metadata.rows("SELECT count(*) AS n FROM small_blob"), [{ n: 3 }]);
});

Deno.test("what was found and is pushed again before the scrub ends is not told", async () => {
  using trial = new ScrubTrial();
  const { flipped, short, gone } = await damageThree(trial);
  const store = Object.create(trial.store, {
    checkIntegrity: { value: () => Promise.resolve([]) },
    // After the blobs were looked at.
    listContents: {
      async value() {
        for (const { bytes } of [flipped, short, gone]) await trial.pushSmallBlob(A, bytes);
        return [];
      },
    },
  });
  for (
    const name of ["count", "listBlobs", "findBlob", "readSmallBlob", "readContent", "listBlobUsers"] as const
  ) {
    store[name] = trial.store[name].bind(trial.store);
  }
  for (
    const name of ["listRepositories", "findLooseEnds", "listUnknownFiles", "listUnknownUploads"] as const
  ) {
    store[name] = trial.store[name].bind(trial.store);
  }
  assert.deepEqual(found(await trial.scrub({ store })), []);
});

Deno.test("a repair leaves a small blob alone that was pushed again after it was found", async () => {
  using trial = new ScrubTrial();
  const { digest, bytes } = await trial.pushSmallBlob();
  trial.change("UPDATE small_blob SET bytes = x'00'");
  const report = await trial.repair({
    withdrawals: {
      ...trial.withdrawals,
      withdrawContent: () => assert.fail("it is no manifest"),
      withdrawBlob: async (...args) => {
        await trial.pushSmallBlob(A, bytes);
        return await trial.withdrawals.withdrawBlob(...args);
      },
    },
  });
  assert.deepEqual(report.findings, []);
  assert.ok(await trial.store.readSmallBlob(digest) !== undefined);
});
