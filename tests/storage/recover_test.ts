/** After a crash files and rows agree again, and nothing that a row counts on is touched. */
import assert from "node:assert/strict";
import { makeDigest } from "../../src/core/digest.ts";
import { makeUploadSessionId, type UploadSessionId } from "../../src/core/upload_session_id.ts";
import { blobFileOf } from "../../src/storage/files/layout.ts";
import { recoverUploads } from "../../src/storage/recover.ts";
import { inTries } from "../harness/tries.ts";
import { digestOf, randomBytes } from "../model/bytes.ts";
import { repo, TempStorage } from "./temp_storage.ts";

const NOTHING = { orphanedFiles: 0, returnedBlobs: 0, returnedUploads: 0, lostUploads: 0 };
const A = repo("a");

Deno.test("recoverUploads() changes nothing where everything agrees", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const blobs = storage.openBlobs();
  const session = await metadata.start(A, 1000);
  await blobs.createUpload(session);
  const { file } = await metadata.hold(A, digestOf("x"), 1);
  await Deno.writeTextFile(storage.layout.blob(file), "x");
  assert.deepEqual(recoverUploads(storage.layout, metadata.database), NOTHING);
  assert.deepEqual(storage.listUploadFiles(), [session]);
  assert.deepEqual(storage.listBlobFiles(), [file]);
  assert.ok(await metadata.store.findUpload(A, session));
});

Deno.test("recoverUploads() removes upload files that no row knows, and leaves what is no upload file", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  await Deno.writeTextFile(storage.layout.upload(makeUploadSessionId()), "bytes");
  const foreign = ["layer.tar", "lost+found", "x'; DROP TABLE blob"];
  for (const name of [foreign[0], foreign[2]]) {
    await Deno.writeTextFile(`${storage.layout.uploads}/${name}`, "somebody's");
  }
  await Deno.mkdir(`${storage.layout.uploads}/lost+found`);
  assert.deepEqual(recoverUploads(storage.layout, metadata.database), { ...NOTHING, orphanedFiles: 1 });
  assert.deepEqual(storage.listUploadFiles(), foreign);
});

for (const algorithm of ["sha256", "sha512"] as const) {
  Deno.test(`a session that was cut after the rename of its ${algorithm} file is returned and can be finished`, async () => {
    using storage = new TempStorage();
    using metadata = storage.openMetadata();
    const blobs = storage.openBlobs();
    const bytes = randomBytes(1000);
    const session = await metadata.start(A, 1000);
    await blobs.createUpload(session);
    const writer = await blobs.openUpload(session, algorithm) ?? assert.fail("locked");
    await writer.append(bytes);
    const digest = await writer.digest(algorithm);
    await writer.promote(digest);
    await writer.close();

    assert.deepEqual(recoverUploads(storage.layout, metadata.database), { ...NOTHING, returnedUploads: 1 });
    assert.deepEqual(storage.listBlobFiles(), []);
    const restarted = storage.openBlobs();
    assert.equal(await restarted.uploadSize(session), 1000);
    const again = await restarted.openUpload(session, algorithm) ?? assert.fail("locked");
    assert.equal(await again.digest(algorithm), digest);
    const file = await again.promote(digest);
    await again.close();
    const outcome = await metadata.store.finishUpload({
      session,
      repository: A,
      digest,
      size: 1000,
      file,
      at: 2000,
    });
    assert.deepEqual(outcome, { kind: "finished", obsolete: undefined });
    assert.deepEqual(recoverUploads(storage.layout, metadata.database), NOTHING);
  });
}

Deno.test("sessions whose bytes are nowhere lose their rows, in one transaction for all", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  metadata.database.exec("BEGIN");
  const insert = metadata.database.prepare("INSERT INTO upload_session VALUES (?, 'a', NULL, 1, '', 1)");
  for (let i = 0; i < 5000; i++) insert.run(makeUploadSessionId());
  metadata.database.exec("COMMIT");
  let commits = 0;
  const watch = storage.openMetadata();
  using _ = watch;
  const { prepare } = metadata.database;
  metadata.database.prepare = (sql) => {
    if (sql.startsWith("DELETE")) commits++;
    return prepare.call(metadata.database, sql);
  };
  assert.deepEqual(recoverUploads(storage.layout, metadata.database), { ...NOTHING, lostUploads: 5000 });
  assert.equal(commits, 1);
  assert.deepEqual(metadata.rows("SELECT count(*) AS n FROM upload_session"), [{ n: 0 }]);
});

Deno.test("the file of a current blob is never moved, also not for a session of the same name", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const digest = digestOf("x");
  const { file } = await metadata.hold(A, digest, 1);
  await Deno.writeTextFile(storage.layout.blob(file), "x");
  const session = file.slice(-36) as UploadSessionId;
  await metadata.store.startUpload({
    id: session,
    repository: A,
    algorithm: undefined,
    startedAt: 1,
    owner: "",
    hasFile: true,
  });
  assert.deepEqual(recoverUploads(storage.layout, metadata.database), { ...NOTHING, lostUploads: 1 });
  assert.deepEqual(storage.listBlobFiles(), [file]);
});

Deno.test("files in the blob folders that are no session's are left alone", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  await metadata.start(A, 1000);
  const stray = [
    blobFileOf(digestOf("x"), makeUploadSessionId()),
    `sha256/00/.hidden`,
    `sha256/00/name.without-session`,
    `sha512/ff/${makeDigest("sha512", "f".repeat(128)).slice(7)}`,
  ];
  for (const file of stray) await Deno.writeTextFile(`${storage.layout.blobs}/${file}`, "x");
  assert.deepEqual(recoverUploads(storage.layout, metadata.database), { ...NOTHING, lostUploads: 1 });
  assert.deepEqual([...storage.listBlobFiles()].sort(), [...stray].sort());
});

Deno.test("a file that a blob row names is put back where a commit that was taken for failed came back with the log", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const digest = digestOf("bytes");
  const { file } = await metadata.hold(A, digest, 5);
  await Deno.writeTextFile(storage.layout.upload(file.slice(-36) as UploadSessionId), "bytes");
  const orphan = makeUploadSessionId();
  await Deno.writeTextFile(storage.layout.upload(orphan), "other");
  const recovery = recoverUploads(storage.layout, metadata.database);
  assert.deepEqual(recovery, { ...NOTHING, orphanedFiles: 1, returnedBlobs: 1 });
  assert.deepEqual(storage.listUploadFiles(), []);
  assert.equal(await Deno.readTextFile(storage.layout.blob(file)), "bytes");
  assert.ok(await storage.openBlobs().isWhole(file, 5));
});

Deno.test("a file that a blob row names is not put back when its size is wrong", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const { file } = await metadata.hold(A, digestOf("bytes"), 5);
  await Deno.writeTextFile(storage.layout.upload(file.slice(-36) as UploadSessionId), "byt");
  assert.deepEqual(recoverUploads(storage.layout, metadata.database), { ...NOTHING, orphanedFiles: 1 });
  assert.deepEqual(storage.listBlobFiles(), []);
});

Deno.test(
  "100,000 sessions are recovered within seconds and 200 MB",
  inTries(async () => {
    using storage = new TempStorage();
    using metadata = storage.openMetadata();
    metadata.database.exec("BEGIN");
    const insert = metadata.database.prepare("INSERT INTO upload_session VALUES (?, 'a', NULL, 1, '', 1)");
    for (let i = 0; i < 100_000; i++) insert.run(makeUploadSessionId());
    metadata.database.exec("COMMIT");
    const before = Deno.memoryUsage().rss;
    const start = performance.now();
    assert.equal(recoverUploads(storage.layout, metadata.database).lostUploads, 100_000);
    const took = performance.now() - start;
    assert.ok(took < 5000, `took ${took} ms`);
    assert.ok(Deno.memoryUsage().rss - before < 200 * 1024 * 1024);
    await metadata.store.checkReady();
  }),
);

Deno.test("a session that nothing has come to needs no file, and one whose file the row does not tell of keeps it", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const [waiting, begun] = [await metadata.start(A, 1), await metadata.start(A, 1)];
  metadata.database.exec("UPDATE upload_session SET has_file = 0");
  await Deno.writeTextFile(storage.layout.upload(begun), "bytes");
  assert.deepEqual(recoverUploads(storage.layout, metadata.database), NOTHING);
  assert.equal((await metadata.store.findUpload(A, waiting))?.hasFile, false);
  assert.equal((await metadata.store.findUpload(A, begun))?.hasFile, true);
  assert.deepEqual(storage.listUploadFiles(), [begun]);
});
