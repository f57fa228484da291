/** Upload sessions, blobs and holds in the SQLite store. */
import assert from "node:assert/strict";
import { makeUploadSessionId } from "../../src/core/upload_session_id.ts";
import { blobFileOf } from "../../src/storage/files/layout.ts";
import { cheapest } from "../harness/cheapest.ts";
import { fakeDigest, push, reference, repo, tag, TempStorage } from "./temp_storage.ts";

const [A, B, C] = [repo("a"), repo("b/deep"), repo("c")];
const D = fakeDigest(1);

Deno.test("a session is found in its own repository alone, as it was started", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  for (const algorithm of [undefined, "sha512"] as const) {
    const session = {
      id: makeUploadSessionId(),
      repository: A,
      algorithm,
      startedAt: 1_700_000_000_123,
      owner: "user alice",
      hasFile: true,
    };
    await metadata.store.startUpload(session);
    assert.deepEqual(await metadata.store.findUpload(A, session.id), session);
    assert.equal(await metadata.store.findUpload(B, session.id), undefined);
    await assert.rejects(metadata.store.startUpload(session), /UNIQUE/);
  }
  assert.equal(await metadata.store.hasRepository(A), false, "an upload alone does not make a repository");
});

Deno.test("cancelUpload() takes a session once, and never through another repository", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const session = await metadata.start(A, 1);
  assert.equal(await metadata.store.cancelUpload(B, session), false);
  assert.ok(await metadata.store.findUpload(A, session));
  assert.equal(await metadata.store.cancelUpload(A, session), true);
  assert.equal(await metadata.store.cancelUpload(A, session), false);
  assert.equal(await metadata.store.findUpload(A, session), undefined);
});

Deno.test("listUploads() gives old sessions in order of their ids, page by page", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const ids = [];
  for (let i = 0; i < 25; i++) ids.push(await metadata.start(i % 2 ? A : B, i < 20 ? 100 : 200));
  const old = ids.slice(0, 20).sort();
  const first = await metadata.store.listUploads(200, { limit: 15 });
  const second = await metadata.store.listUploads(200, { limit: 15, after: first.at(-1)!.id });
  assert.deepEqual([...first, ...second].map(({ id }) => id), old);
  assert.deepEqual(await metadata.store.listUploads(100, { limit: 15 }), [], "started before, not at");
});

Deno.test("finishUpload() is one step: blob, hold and repository come as the session goes", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const session = await metadata.start(A, 1000);
  const file = blobFileOf(D, session);
  const outcome = await metadata.store.finishUpload({
    session,
    repository: A,
    digest: D,
    size: 42,
    file,
    at: 2000,
  });
  assert.deepEqual(outcome, { kind: "finished", obsolete: undefined });
  assert.deepEqual(await metadata.store.findBlob(A, D), { digest: D, size: 42, file, announcedAt: 2000 });
  assert.equal(await metadata.store.findUpload(A, session), undefined);
  assert.equal(await metadata.store.hasRepository(A), true);
});

Deno.test("finishUpload() of a session that is gone, or another repository's, changes nothing", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const session = await metadata.start(A, 1000);
  const file = blobFileOf(D, session);
  const finish = (repository = A, id = session) =>
    metadata.store.finishUpload({ session: id, repository, digest: D, size: 42, file, at: 2000 });
  assert.deepEqual(await finish(B), { kind: "session_gone" });
  assert.deepEqual(await finish(A, makeUploadSessionId()), { kind: "session_gone" });
  assert.equal(await metadata.store.hasRepository(B), false);
  assert.ok(await metadata.store.findUpload(A, session));
  await metadata.store.cancelUpload(A, session);
  assert.deepEqual(await finish(), { kind: "session_gone" });
  assert.equal(await metadata.store.findBlob(A, D), undefined);
  assert.deepEqual(metadata.rows("SELECT * FROM blob"), []);
});

Deno.test("an upload replaces an older file of its digest, which may be damaged, and names it for removal", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const first = await metadata.hold(A, D, 10, 1000);
  const second = await metadata.hold(B, D, 10, 3000);
  assert.deepEqual(second.outcome, { kind: "finished", obsolete: first.file });
  for (const repository of [A, B]) {
    assert.equal((await metadata.store.findBlob(repository, D))?.file, second.file);
  }
});

Deno.test("an upload keeps a file that came while it ran, and gives up its own", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const [one, two] = [await metadata.start(A, 1000), await metadata.start(B, 1001)];
  const finish = (session: typeof one, repository: typeof A, at: number) =>
    metadata.store.finishUpload({
      session,
      repository,
      digest: D,
      size: 10,
      file: blobFileOf(D, session),
      at,
    });
  assert.deepEqual(await finish(one, A, 2000), { kind: "finished", obsolete: undefined });
  assert.deepEqual(await finish(two, B, 2001), { kind: "finished", obsolete: blobFileOf(D, two) });
  assert.equal((await metadata.store.findBlob(B, D))?.file, blobFileOf(D, one));
  assert.equal((await metadata.store.findBlob(B, D))?.announcedAt, 2001);
});

Deno.test("a file from before the clock was set back is replaced, since nobody knows how old it is", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const DAY = 86_400_000;
  const former = await metadata.hold(A, D, 10, 10 * DAY);
  const healing = await metadata.hold(A, D, 10, 9 * DAY);
  assert.deepEqual(healing.outcome, { kind: "finished", obsolete: former.file });
  assert.equal((await metadata.store.findBlob(A, D))?.file, healing.file);
});

Deno.test("a repository sees only the blobs that it holds", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  await metadata.hold(A, D);
  await metadata.hold(B, fakeDigest(2));
  assert.ok(await metadata.store.findBlob(A, D));
  assert.equal(await metadata.store.findBlob(B, D), undefined);
  assert.equal(await metadata.store.findBlob(C, D), undefined);
  assert.equal((await metadata.store.deleteBlob(B, D)).kind, "unknown");
  assert.ok(await metadata.store.findBlob(A, D));
});

Deno.test("announceBlob() moves the time forward only, and of this hold only", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  await metadata.hold(A, D, 10, 1000);
  await metadata.hold(B, D, 10, 1000);
  const announcedAt = async (repository = A) => (await metadata.store.findBlob(repository, D))?.announcedAt;
  await metadata.store.announceBlob(A, D, 5000);
  assert.equal(await announcedAt(), 5000);
  await metadata.store.announceBlob(A, D, 4000);
  assert.equal(await announcedAt(), 5000);
  assert.equal(await announcedAt(B), 1000);
  await metadata.store.announceBlob(C, D, 5000);
  await metadata.store.announceBlob(A, fakeDigest(9), 5000);
  assert.equal(await metadata.store.findBlob(C, D), undefined);
});

Deno.test("mountBlob() adds a hold of the same file, from a repository that holds it and no other", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const { file } = await metadata.hold(A, D, 10, 1000);
  const mount = (repository: typeof A, from: typeof A) =>
    metadata.store.mountBlob({ repository, from, digest: D, at: 3000 });
  assert.equal(await mount(B, C), undefined);
  await metadata.hold(C, fakeDigest(2));
  assert.equal(await mount(B, C), undefined, "the repository is there and does not hold it");
  assert.equal(await metadata.store.hasRepository(B), false);
  const mounted = { digest: D, size: 10, file, announcedAt: 3000 };
  assert.deepEqual(await mount(B, A), mounted);
  assert.deepEqual(await metadata.store.findBlob(B, D), mounted);
  assert.equal((await metadata.store.findBlob(A, D))?.announcedAt, 1000);
});

Deno.test("deleteBlob() takes one repository's hold; the file is obsolete with the last of them", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const { file } = await metadata.hold(A, D);
  await metadata.store.mountBlob({ repository: B, from: A, digest: D, at: 1 });
  assert.deepEqual(await metadata.store.deleteBlob(A, D), { kind: "deleted", obsolete: undefined });
  assert.equal(await metadata.store.findBlob(A, D), undefined);
  assert.equal((await metadata.store.findBlob(B, D))?.file, file);
  assert.deepEqual(await metadata.store.deleteBlob(A, D), { kind: "unknown" });
  assert.deepEqual(await metadata.store.deleteBlob(B, D), { kind: "deleted", obsolete: file });
  assert.deepEqual(metadata.rows("SELECT * FROM blob"), []);
  const again = await metadata.hold(A, D, 10, 9000);
  assert.deepEqual(again.outcome, { kind: "finished", obsolete: undefined });
  assert.notEqual(again.file, file);
});

Deno.test("deleteBlob() refuses while a manifest of that repository references it, and names that manifest", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  await metadata.hold(A, D);
  await metadata.store.mountBlob({ repository: B, from: A, digest: D, at: 1 });
  const manifest = push(A, "m", { references: [reference("config", D)], tags: [tag("v1")] });
  await metadata.store.putManifest(manifest);
  assert.deepEqual(await metadata.store.deleteBlob(A, D), { kind: "referenced", by: manifest.digest });
  assert.deepEqual(await metadata.store.deleteBlob(B, D), { kind: "deleted", obsolete: undefined });
  await metadata.store.deleteManifest(A, manifest.digest, 1);
  assert.equal((await metadata.store.deleteBlob(A, D)).kind, "deleted");
});

for (const kind of ["config", "layer", "child", "foreign"] as const) {
  Deno.test(`deleteBlob() refuses what a manifest names as ${kind}`, async () => {
    using storage = new TempStorage();
    using metadata = storage.openMetadata();
    await metadata.hold(A, D);
    const manifest = push(A, "m", { references: [reference(kind, D)] });
    assert.deepEqual(await metadata.store.putManifest(manifest), { kind: "stored" });
    assert.deepEqual(await metadata.store.deleteBlob(A, D), { kind: "referenced", by: manifest.digest });
  });
}

Deno.test("listHolders() gives the holders in byte order, up to the limit", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const names = ["z", "a/b", "a-b", "a", "m0"].map(repo);
  for (const name of names) await metadata.hold(name, D);
  await metadata.hold(C, fakeDigest(2));
  assert.deepEqual(await metadata.store.listHolders(D, 32), [...names].sort());
  assert.deepEqual(await metadata.store.listHolders(D, 2), [...names].sort().slice(0, 2));
  assert.deepEqual(await metadata.store.listHolders(fakeDigest(9), 32), []);
});

Deno.test("listHolders() answers in milliseconds when 20,000 repositories hold the blob", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  await metadata.hold(repo("aaa"), D);
  metadata.database.exec(`
    WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
      INSERT INTO repository (id, name, created_at) SELECT i, 'r' || i, 1 FROM n;
    INSERT INTO hold SELECT id, '${D}', 1 FROM repository WHERE id > 1;
  `);
  const ms = await cheapest(async () => {
    assert.equal((await metadata.store.listHolders(D, 32))[0], "aaa");
  }, 5);
  assert.ok(ms < 5, `took ${ms} ms`);
});

Deno.test("sizes and times beyond 32 bits come back exactly", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const [size, at] = [100 * 1024 ** 3 + 1, 4_102_444_800_001];
  const { file } = await metadata.hold(A, D, size, at);
  assert.deepEqual(await metadata.store.findBlob(A, D), { digest: D, size, file, announcedAt: at });
  await metadata.hold(A, fakeDigest(2), Number.MAX_SAFE_INTEGER, 1);
  assert.equal((await metadata.store.findBlob(A, fakeDigest(2)))?.size, Number.MAX_SAFE_INTEGER);
});
