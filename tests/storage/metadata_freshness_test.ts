/** What a reader remembers never outlives a commit, and what it reads never holds the log back. */
import assert from "node:assert/strict";
import type { Reference } from "../../src/core/reference.ts";
import { openForReading } from "../../src/storage/sqlite/open_database.ts";
import { SqliteReader } from "../../src/storage/sqlite/sqlite_reader.ts";
import { blobFileOf } from "../../src/storage/files/layout.ts";
import { inTries } from "../harness/tries.ts";
import { fakeDigest, push, repo, tag, type TempMetadata, TempStorage } from "./temp_storage.ts";

const A = repo("a");
const V1: Reference = { kind: "tag", tag: tag("v1") };
const D = fakeDigest(1);

function emptyLog(metadata: TempMetadata): Record<string, unknown> {
  return { ...metadata.database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() };
}
const EMPTIED = { busy: 0, log: 0, checkpointed: 0 };

Deno.test("every reader sees a tag move, a manifest go and a blob change with its next read", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const readers = [1, 2, 3].map(() =>
    new SqliteReader(openForReading(storage.layout.database), { cacheBytes: 1_000_000 })
  );
  const [one, two] = [push(A, "one", { tags: [tag("v1")] }), push(A, "two", { tags: [tag("v1")] })];
  for (let i = 0; i < 50; i++) {
    const manifest = i % 2 ? one : two;
    await metadata.store.putManifest(manifest);
    for (const reader of readers) {
      // Twice: the second comes out of what the first remembered.
      assert.equal(reader.findManifest(A, V1)?.digest, manifest.digest);
      assert.equal(reader.findManifest(A, V1)?.digest, manifest.digest);
    }
  }
  await metadata.store.deleteManifest(A, one.digest, 1);
  const { file } = await metadata.hold(A, D, 10, 1000);
  for (const reader of readers) {
    assert.equal(reader.findManifest(A, V1), undefined);
    assert.equal(reader.findManifest(A, { kind: "digest", digest: one.digest }), undefined);
    assert.equal(reader.findBlob(A, D)?.file, file);
  }
  const { file: newer } = await metadata.hold(A, D, 10, 9000);
  for (const reader of readers) assert.equal(reader.findBlob(A, D)?.file, newer);
  await metadata.store.deleteBlob(A, D);
  for (const reader of readers) {
    assert.equal(reader.findBlob(A, D), undefined);
    reader.close();
  }
});

Deno.test("what was not there is found as soon as it is", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  assert.equal(await metadata.store.findManifest(A, V1), undefined);
  assert.equal(await metadata.store.findBlob(A, D), undefined);
  await metadata.hold(A, D);
  await metadata.store.putManifest(push(A, "m", { tags: [tag("v1")] }));
  assert.ok(await metadata.store.findManifest(A, V1));
  assert.ok(await metadata.store.findBlob(A, D));
});

Deno.test("a manifest that is remembered is still asked for in the repository that is read", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const manifest = push(A, "m");
  const reference: Reference = { kind: "digest", digest: manifest.digest };
  await metadata.store.putManifest(manifest);
  assert.ok(await metadata.store.findManifest(A, reference));
  assert.equal(await metadata.store.findManifest(repo("b"), reference), undefined);
  await metadata.store.putManifest({ ...manifest, repository: repo("b") });
  await metadata.store.deleteManifest(A, manifest.digest, 1);
  assert.equal(await metadata.store.findManifest(A, reference), undefined, "deleted here, there elsewhere");
});

Deno.test("no read of any kind leaves a transaction open behind it", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const session = await metadata.start(A, 1);
  await metadata.hold(A, D);
  const subject = fakeDigest(5);
  for (let i = 0; i < 20; i++) {
    await metadata.store.putManifest(push(A, `m${i}`, { tags: [tag(`v${i}`)], subject, artifactType: "t" }));
  }
  const { store } = metadata;
  const reads: [string, () => Promise<unknown>][] = [
    ["hasRepository", () => store.hasRepository(A)],
    ["findManifest by tag", () => store.findManifest(A, V1)],
    ["findManifest by digest", () => store.findManifest(A, { kind: "digest", digest: push(A, "m1").digest })],
    ["findManifest, unknown", () => store.findManifest(A, { kind: "tag", tag: tag("none") })],
    ["findBlob", () => store.findBlob(A, D)],
    ["listHolders", () => store.listHolders(D, 1)],
    ["listManifestsWith", () => store.listManifestsWith(A, D, 1)],
    ["listTags", () => store.listTags(A, { limit: 3 })],
    ["listRepositories", () => store.listRepositories({ limit: 1 })],
    ["listReferrers", () => store.listReferrers(A, subject, { limit: 3 })],
    ["listReferrers of a type", () => store.listReferrers(A, subject, { limit: 3, artifactType: "t" })],
    ["findUpload", () => store.findUpload(A, session)],
    ["listUploads", () => store.listUploads(1000, { limit: 1 })],
    ["checkReady", () => store.checkReady()],
  ];
  for (const [name, read] of reads) {
    await metadata.store.announceBlob(A, D, Date.now());
    await read();
    assert.deepEqual(emptyLog(metadata), EMPTIED, name);
  }
});

Deno.test(
  "the log stays small while threads read without a pause",
  inTries(async () => {
    using storage = new TempStorage();
    using metadata = storage.openMetadata();
    await metadata.store.putManifest(push(A, "first", { tags: [tag("v1")] }));
    const readers = [1, 2].map(() => {
      const worker = new Worker(new URL("./read_thread.ts", import.meta.url), { type: "module" });
      const reading = Promise.withResolvers<void>();
      worker.onmessage = () => reading.resolve();
      worker.onerror = (event) => reading.reject(new Error(event.message));
      worker.postMessage(storage.layout.database);
      return { worker, reading: reading.promise };
    });
    try {
      await Promise.all(readers.map(({ reading }) => reading));
      let largest = 0;
      for (let i = 0; i < 1000; i++) {
        await metadata.store.putManifest(push(A, `m${i} ${"x".repeat(20_000)}`, { tags: [tag("v1")] }));
        if (i % 50 === 0) {
          largest = Math.max(largest, (await Deno.stat(`${storage.layout.database}-wal`)).size);
        }
      }
      assert.ok(largest < 32 * 1024 * 1024, `the log grew to ${largest} bytes while 20 MB were written`);
    } finally {
      for (const { worker } of readers) worker.terminate();
    }
  }),
);

Deno.test("a reader remembers a bounded number of rows between two commits", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  metadata.database.exec(`
    INSERT INTO repository (id, name, created_at) VALUES (1, 'a', 1);
    WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 10500)
      INSERT INTO blob SELECT 'sha256:' || printf('%064x', i), 1, 'file', 1 FROM n;
    INSERT INTO hold SELECT 1, digest, 1 FROM blob;
  `);
  for (let i = 0; i < 10_500; i++) assert.ok(metadata.reader.findBlob(A, fakeDigest(i)));
  const file = blobFileOf(D, await metadata.start(A, 1));
  metadata.database.prepare("UPDATE blob SET file = ?").run(file);
  for (const n of [1, 10_400]) assert.equal(metadata.reader.findBlob(A, fakeDigest(n))?.file, file);
});
