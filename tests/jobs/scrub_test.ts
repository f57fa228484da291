/** A scrub finds all that is wrong, and nothing that is not. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Digest } from "../../src/core/digest.ts";
import { makeUploadSessionId } from "../../src/core/upload_session_id.ts";
import { countOf, describeCounts, describeFinding, type Finding } from "../../src/jobs/scrub_report.ts";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import { blobFileOf } from "../../src/storage/files/layout.ts";
import { until } from "../harness/until.ts";
import { fakeDigest } from "../storage/temp_storage.ts";
import { flipBit } from "../faults/damage.ts";
import { A, B, found, ScrubTrial } from "./scrub_trial.ts";

Deno.test("a sound store is read whole, and nothing is found", async () => {
  using trial = new ScrubTrial();
  const blobs = [await trial.pushBlob(10), await trial.pushBlob(2_500_000), await trial.pushBlob(0)];
  await trial.pushManifest("v1", blobs);
  const session = await trial.metadata.start(A, Date.now());
  await trial.storage.openBlobs().createUpload(session);
  const report = await trial.scrub();
  assert.deepEqual(found(report), []);
  assert.deepEqual(
    [report.complete, report.blobs, report.bytes, report.manifests, describeCounts(report.counts)],
    [true, 3, 2_500_010, 1, "nothing wrong"],
  );
  assert.deepEqual(trial.logged, []);
});

Deno.test("each damage is found, with who is affected and what to do", async () => {
  using trial = new ScrubTrial();
  const [flipped, short, long, gone, sound] = [
    await trial.pushBlob(3_000_000),
    await trial.pushBlob(),
    await trial.pushBlob(),
    await trial.pushBlob(),
    await trial.pushBlob(),
  ] as const;
  await trial.pushBlob(0, B, flipped.bytes);
  // The push to b has replaced the file.
  const { file } = await trial.store.findBlob(flipped.digest) ?? assert.fail("no row");
  const manifest = await trial.pushManifest("v1", [flipped, short, long, gone, sound]);
  const damaged = await trial.pushManifest("v2");
  flipBit(trial.path(file), 2_999_999);
  await Deno.truncate(trial.path(short.file), 999);
  await Deno.writeFile(trial.path(long.file), new Uint8Array(1), { append: true });
  await Deno.remove(trial.path(gone.file));
  trial.change("UPDATE content SET bytes = ? WHERE digest = ?", new Uint8Array([1]), damaged);
  const stray = blobFileOf(sound.digest, makeUploadSessionId());
  await Deno.writeFile(trial.path(stray), sound.bytes);
  const upload = makeUploadSessionId();
  await Deno.writeTextFile(trial.storage.layout.upload(upload), "x");
  await Deno.writeTextFile(`${trial.storage.layout.uploads}/notes.txt`, "x");

  const report = await trial.scrub();
  assert.deepEqual(
    found(report),
    [
      `damaged ${flipped.digest}`,
      `truncated ${short.digest}`,
      `truncated ${long.digest}`,
      `missing ${gone.digest}`,
      `damaged ${damaged}`,
      `stray blobs/${stray}`,
      `stray uploads/${upload}`,
      "stray uploads/notes.txt",
    ].sort(),
  );
  assert.equal(describeCounts(report.counts), "1 missing, 2 damaged, 2 truncated, 3 stray");
  assert.equal(trial.logged.length, 8 + 1, trial.logged.join("\n"));
  const finding = report.findings.find(({ digest }) => digest === flipped.digest) ?? assert.fail();
  assert.deepEqual([finding.repositories, finding.manifests], [[A, B], [manifest]]);
  assert.match(
    describeFinding(finding),
    /^damaged: blob sha256:\S+ has bytes with the digest sha256:\S+\n {2}in a, b\n {2}needed by sha256:\S+\n {2}Run scrub --repair\. Push the blob/,
  );
  assert.deepEqual(trial.listQuarantine(), [], "without --repair nothing is touched");
  assert.deepEqual(found(await trial.scrub()), found(report), "it is still there the next time");
});

Deno.test("rows that name what is not there are found, manifests without their blobs only where they may not lack them", async () => {
  using trial = new ScrubTrial();
  const layer = await trial.pushBlob();
  const manifest = await trial.pushManifest("v1", [layer]);
  const bare = await trial.pushManifest("bare");
  trial.change("DELETE FROM hold WHERE digest = ?", layer.digest);
  trial.change(
    "UPDATE tag SET digest = ? WHERE name = 'bare'",
    fakeDigest(1),
  );
  trial.change("DELETE FROM content WHERE digest = ?", bare);
  const held = await trial.pushBlob();
  trial.change("DELETE FROM blob WHERE digest = ?", held.digest);
  await Deno.remove(trial.path(held.file));
  const faults = ({ findings }: { findings: readonly Finding[] }) =>
    findings.map(({ kind, subject, fault }) => `${kind}: ${subject} ${fault}`).sort();
  const others = [
    `dangling: tag a:bare names manifest ${fakeDigest(1)}, which is not there`,
    `dangling: manifest ${bare} has no bytes`,
    `dangling: blob ${held.digest} is held by the repository and is not there`,
  ];
  assert.deepEqual(
    faults(await trial.scrub()),
    [
      `dangling: manifest ${manifest} needs blob ${layer.digest}, which the repository does not hold`,
      ...others,
    ]
      .sort(),
  );
  assert.deepEqual(faults(await trial.scrub({ mayLackBlobs: (name) => name === A })), others.sort());
});

Deno.test("what SQLite finds wrong with its file is passed on", async () => {
  using trial = new ScrubTrial();
  await trial.pushBlob();
  const { store } = trial;
  const complaining = Object.assign(Object.create(store), {
    checkIntegrity: async () => ["row 3 missing from index manifest_by_digest"],
  });
  for (const name of ["count", "listBlobs", "listContents", "listRepositories"] as const) {
    complaining[name] = store[name].bind(store);
  }
  for (const name of ["listUnknownFiles", "listUnknownUploads", "findLooseEnds"] as const) {
    complaining[name] = store[name].bind(store);
  }
  const report = await trial.scrub({ store: complaining });
  assert.deepEqual(report.findings.map(({ kind }) => kind), ["database"]);
  assert.match(report.findings[0]!.fault, /row 3 missing from index/);
});

Deno.test("an index that lacks a row is found by SQLite itself", async () => {
  using trial = new ScrubTrial();
  await trial.pushManifest("v1");
  const { database } = trial.metadata;
  database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const { rootpage } = database.prepare(
    "SELECT rootpage FROM sqlite_schema WHERE name = 'manifest_by_digest'",
  )
    .get()!;
  const { page_size } = database.prepare("PRAGMA page_size").get()!;
  {
    using file = await Deno.open(trial.storage.layout.database, { write: true });
    // The number of cells of the index's page (fileformat2 section 1.6).
    await file.seek(((rootpage as number) - 1) * (page_size as number) + 3, Deno.SeekMode.Start);
    await file.write(new Uint8Array(2));
  }
  const report = await trial.scrub();
  assert.deepEqual(report.findings.map(({ kind }) => kind).includes("database"), true);
  assert.match(report.findings.map(({ fault }) => fault).join("\n"), /missing from index manifest_by_digest/);
});

Deno.test("a blob that is replaced or deleted while it is looked at is no finding", async () => {
  using trial = new ScrubTrial();
  const [replaced, deleted, broken] = [
    await trial.pushBlob(),
    await trial.pushBlob(),
    await trial.pushBlob(),
  ];
  const { files } = trial;
  const seen = new Set<string>();
  const racing = Object.assign(Object.create(files), {
    async sizeOf(file: BlobFile) {
      // Between the reading of the row and the look at its file.
      if (!seen.has(file)) {
        if (file === replaced.file) await trial.pushBlob(0, A, replaced.bytes);
        if (file === deleted.file) {
          await trial.metadata.store.deleteBlob(A, deleted.digest);
          await Deno.remove(trial.path(file));
        }
        if (file === broken.file) {
          // The new file is damaged too, and this one counts.
          await trial.pushBlob(0, A, broken.bytes);
          const { file: now } = (await trial.store.findBlob(broken.digest))!;
          seen.add(now);
          flipBit(trial.path(now), 0);
        }
      }
      seen.add(file);
      return await files.sizeOf(file);
    },
  });
  for (const name of ["hash", "listFolders", "isWithdrawn", "pathOfBlob", "pathOfUpload"] as const) {
    racing[name] = files[name].bind(files);
  }
  assert.deepEqual(found(await trial.scrub({ files: racing })), [`damaged ${broken.digest}`]);
});

Deno.test("a file whose upload is about to end, or whose removal a backup puts off, is no stray", async () => {
  using trial = new ScrubTrial();
  const session = await trial.metadata.start(A, Date.now());
  const promoted = blobFileOf(fakeDigest(1), session);
  await Deno.writeTextFile(trial.path(promoted), "x");
  const release = trial.removalHold.take();
  const former = await trial.pushBlob();
  await trial.pushBlob(0, A, former.bytes);
  assert.equal(trial.storage.listBlobFiles().length, 3);
  assert.deepEqual(found(await trial.scrub()), []);
  release();
  await until(() => trial.storage.listBlobFiles().length === 2);
  assert.deepEqual(found(await trial.scrub()), []);
});

Deno.test("a file that goes between the two looks is no stray", async () => {
  using trial = new ScrubTrial();
  const upload = makeUploadSessionId();
  const path = trial.storage.layout.upload(upload);
  await Deno.writeTextFile(path, "x");
  let looks = 0;
  const { store } = trial;
  const racing = new Proxy(store, {
    get(target, name) {
      const value = target[name as keyof typeof target] as unknown;
      if (typeof value !== "function") return value;
      if (name !== "listUnknownUploads") return value.bind(target);
      return async (ids: never) => {
        const unknown = await store.listUnknownUploads(ids);
        if (unknown.length > 0 && ++looks === 1) await Deno.remove(path);
        return unknown;
      };
    },
  });
  assert.deepEqual(found(await trial.scrub({ store: racing })), []);
  assert.equal(looks, 2);
});

Deno.test("what was pushed again or deleted before the scrub ends is not in its report", async () => {
  using trial = new ScrubTrial();
  const [healed, deleted, lasting] = [await trial.pushBlob(), await trial.pushBlob(), await trial.pushBlob()];
  const manifest = await trial.pushManifest("v1");
  for (const { file } of [healed, deleted, lasting]) flipBit(trial.path(file), 5);
  trial.change("UPDATE content SET bytes = ? WHERE digest = ?", new Uint8Array([1]), manifest);
  const report = await trial.scrub({
    progress({ what }) {
      if (what !== "references") return;
      // By the last part all four were found.
      trial.change("DELETE FROM hold WHERE digest = ?", deleted.digest);
      trial.change("DELETE FROM blob WHERE digest = ?", deleted.digest);
      trial.change("DELETE FROM tag");
      trial.change("DELETE FROM manifest");
      trial.change("DELETE FROM content");
      trial.change(
        "UPDATE blob SET file = ? WHERE digest = ?",
        blobFileOf(healed.digest, makeUploadSessionId()),
        healed.digest,
      );
    },
  });
  assert.equal(trial.logged.filter((line) => line.includes("damaged")).length, 4 + 1);
  const kinds = found(report).filter((line) => !line.startsWith("stray"));
  assert.deepEqual(kinds, [`damaged ${lasting.digest}`]);
  assert.equal(countOf(report.counts), report.findings.length);
});

Deno.test("an error that says nothing of the file ends the scrub and damages nobody", async () => {
  using trial = new ScrubTrial();
  const blobs = [await trial.pushBlob(), await trial.pushBlob(), await trial.pushBlob()]
    .toSorted((a, b) => a.digest < b.digest ? -1 : 1);
  const files = Object.create(trial.files);
  for (const name of ["sizeOf", "listFolders", "isWithdrawn", "pathOfBlob", "pathOfUpload"] as const) {
    files[name] = trial.files[name].bind(trial.files);
  }
  const fail = (error: Error) => {
    files.hash = (file: BlobFile, digest: Digest, onRead: (bytes: number) => Promise<void>) =>
      file === blobs[1]!.file ? Promise.reject(error) : trial.files.hash(file, digest, onRead);
  };
  fail(new Error("Too many open files (os error 24)"));
  await assert.rejects(trial.repair({ files }), /Too many open files/);
  assert.deepEqual(trial.listQuarantine(), []);
  fail(new Error("Input/output error (os error 5)"));
  const report = await trial.scrub({ files });
  assert.deepEqual(found(report), [`damaged ${blobs[1]!.digest}`]);
  assert.match(report.findings[0]!.fault, /cannot be read: Input\/output error/);
  assert.equal(report.blobs, 3, "it went on where it had failed");
});

Deno.test("whatever is damaged is found, and nothing else", async () => {
  const damages = ["none", "flip", "cut", "remove"] as const;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...damages), fc.integer({ min: 1, max: 3000 })), { maxLength: 25 }),
      async (plan) => {
        using trial = new ScrubTrial();
        const expected: string[] = [];
        for (const [damage, size] of plan) {
          const { digest, file } = await trial.pushBlob(size);
          const path = trial.path(file);
          if (damage === "flip") flipBit(path, size >> 1);
          if (damage === "cut") await Deno.truncate(path, size - 1);
          if (damage === "remove") await Deno.remove(path);
          if (damage !== "none") {
            expected.push(`${{ flip: "damaged", cut: "truncated", remove: "missing" }[damage]} ${digest}`);
          }
        }
        assert.deepEqual(found(await trial.scrub()), expected.sort());
      },
    ),
    { numRuns: 15 },
  );
});
