/** Small blobs live in the database: they come, are read, heal and go with their rows, and have no files. */
import assert from "node:assert/strict";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import type { FinishOutcome } from "../../src/ports/metadata_store.ts";
import type { FileBlobStore } from "../../src/storage/files/file_blob_store.ts";
import { openForReading } from "../../src/storage/sqlite/open_database.ts";
import { SqliteSmallBlobs } from "../../src/storage/sqlite/sqlite_small_blobs.ts";
import { digestOf, randomBytes } from "../model/bytes.ts";
import { readAll, repo, type TempMetadata, TempStorage } from "./temp_storage.ts";

const [A, B] = [repo("a"), repo("b")];

/** The stores of one thread, as the program puts them together. */
class Trial implements Disposable {
  readonly storage = new TempStorage();
  readonly metadata: TempMetadata = this.storage.openMetadata();
  readonly #database = openForReading(this.storage.layout.database);
  readonly blobs: FileBlobStore;

  constructor(cacheBytes = 0) {
    this.blobs = this.storage.openBlobs({
      cacheBytes,
      smallBlobs: new SqliteSmallBlobs(this.#database, 100),
    });
  }

  /** Lets a repository hold bytes, as the PUT does that brings all of them. */
  async push(bytes: Uint8Array, repository = A, at = 1000): Promise<FinishOutcome> {
    const session = await this.metadata.start(repository, at - 1);
    return await this.metadata.store.finishUpload({
      session,
      repository,
      digest: digestOf(bytes),
      size: bytes.length,
      bytes,
      gathered: false,
      at,
    });
  }

  /** What a pull of the blob gets; undefined where it has no bytes. */
  async pull(bytes: Uint8Array, repository = A): Promise<Uint8Array | undefined> {
    const { file, size } = await this.metadata.store.findBlob(repository, digestOf(bytes)) ??
      assert.fail("not held");
    const reader = await this.blobs.open(file, size);
    return reader && await readAll(reader.read(0, size));
  }

  async fileOf(bytes: Uint8Array, repository = A): Promise<BlobFile> {
    return (await this.metadata.store.findBlob(repository, digestOf(bytes)))!.file;
  }

  countSmall(): unknown {
    return this.metadata.rows("SELECT count(*) AS n FROM small_blob")[0]!.n;
  }

  [Symbol.dispose](): void {
    this.#database.close();
    this.metadata[Symbol.dispose]();
    this.storage[Symbol.dispose]();
  }
}

Deno.test("a small blob is kept by the database, comes out again, and goes with the last who holds it", async () => {
  using trial = new Trial();
  const bytes = randomBytes(100);
  for (const repository of [A, B]) await trial.push(bytes, repository);
  assert.deepEqual(trial.storage.listBlobFiles(), []);
  assert.deepEqual(await trial.pull(bytes), bytes);
  assert.equal(await trial.blobs.isWhole(await trial.fileOf(bytes), 100), true);
  assert.equal(await trial.blobs.isWhole(await trial.fileOf(bytes), 99), false);
  const digest = digestOf(bytes);
  assert.equal((await trial.metadata.store.deleteBlob(A, digest)).kind, "deleted");
  assert.deepEqual(await trial.pull(bytes, B), bytes);
  const last = await trial.metadata.store.deleteBlob(B, digest);
  assert.equal(trial.countSmall(), 0);
  // What names the place of the bytes can be removed like a file, and is none.
  assert.ok(last.kind === "deleted" && last.obsolete !== undefined);
  await trial.blobs.remove(last.obsolete);
});

Deno.test("a blob without a byte is as good as any other", async () => {
  using trial = new Trial();
  const bytes = new Uint8Array();
  await trial.push(bytes);
  assert.deepEqual(await trial.pull(bytes), bytes);
  assert.equal(await trial.blobs.isWhole(await trial.fileOf(bytes), 0), true);
});

Deno.test("small blobs that a collection takes leave no bytes", async () => {
  using trial = new Trial();
  for (let i = 0; i < 5; i++) await trial.push(randomBytes(50));
  const { found } = await trial.metadata.garbage.listUnusedHolds(5000, undefined);
  await trial.metadata.garbage.removeHolds(found, 5000);
  assert.ok(found.length > 0);
  assert.equal(trial.countSmall(), 5 - found.length);
});

Deno.test("bytes that were damaged in the database are not handed out, and the next push heals them", async () => {
  using trial = new Trial(1024 * 1024);
  const bytes = randomBytes(100);
  await trial.push(bytes);
  const damaged = bytes.slice();
  damaged[50]! ^= 1;
  trial.metadata.database.prepare("UPDATE small_blob SET bytes = ?").run(damaged);
  assert.equal(await trial.pull(bytes), undefined);
  await trial.push(bytes, A, 2000);
  assert.deepEqual(await trial.pull(bytes), bytes);
});

Deno.test("a row without its bytes is told from a whole blob", async () => {
  using trial = new Trial();
  const bytes = randomBytes(100);
  await trial.push(bytes);
  trial.metadata.database.exec("DELETE FROM small_blob");
  assert.equal(await trial.pull(bytes), undefined);
  assert.equal(await trial.blobs.isWhole(await trial.fileOf(bytes), 100), false);
});

Deno.test("a push moves a blob from its file into the database, and from there into a file", async () => {
  using trial = new Trial();
  const bytes = randomBytes(100);
  const digest = digestOf(bytes);
  const { file } = await trial.metadata.hold(A, digest, 100, 1000);
  const moved = await trial.push(bytes, A, 2000);
  assert.deepEqual(moved, { kind: "finished", obsolete: file });
  assert.deepEqual(await trial.pull(bytes), bytes);
  const inDatabase = await trial.fileOf(bytes);
  const { file: second, outcome } = await trial.metadata.hold(A, digest, 100, 3000);
  assert.deepEqual(outcome, { kind: "finished", obsolete: inDatabase });
  assert.equal(await trial.fileOf(bytes), second);
  assert.equal(trial.countSmall(), 0);
});

Deno.test("of two uploads that ran side by side, the second changes nothing", async () => {
  using trial = new Trial();
  const bytes = randomBytes(100);
  const session = await trial.metadata.start(B, 500);
  await trial.push(bytes, A, 1000);
  const first = await trial.fileOf(bytes);
  const digest = digestOf(bytes);
  const late = { session, repository: B, digest, size: 100, bytes, gathered: false, at: 1500 };
  assert.deepEqual(await trial.metadata.store.finishUpload(late), { kind: "finished", obsolete: undefined });
  assert.equal(await trial.fileOf(bytes, B), first);
});

Deno.test("gathered bytes end no session that got a file meanwhile, and nothing is changed", async () => {
  using trial = new Trial();
  const { store } = trial.metadata;
  const bytes = randomBytes(100);
  const session = await trial.metadata.start(A, 1);
  const digest = digestOf(bytes);
  const upload = { session, repository: A, digest, size: 100, bytes, gathered: true, at: 2 };
  assert.deepEqual(await store.finishUpload(upload), { kind: "session_busy" });
  assert.equal(await store.findBlob(A, digest), undefined);
  assert.equal((await store.findUpload(A, session))?.hasFile, true);
  assert.equal((await store.finishUpload({ ...upload, gathered: false })).kind, "finished");
});

Deno.test("noteUploadFile() is for sessions that are there", async () => {
  using trial = new Trial();
  const { store } = trial.metadata;
  const id = await trial.metadata.start(A, 1);
  trial.metadata.database.exec("UPDATE upload_session SET has_file = 0");
  assert.equal(await store.noteUploadFile(B, id), false);
  assert.equal((await store.findUpload(A, id))?.hasFile, false);
  assert.equal(await store.noteUploadFile(A, id), true);
  assert.equal((await store.findUpload(A, id))?.hasFile, true);
  await store.cancelUpload(A, id);
  assert.equal(await store.noteUploadFile(A, id), false);
});

Deno.test("a blob that is withdrawn has no bytes in the database any more", async () => {
  using trial = new Trial();
  const bytes = randomBytes(100);
  await trial.push(bytes);
  const run = (...args: unknown[]) => trial.metadata.commit.run([{ name: "withdrawBlob", args }])[0];
  const digest = digestOf(bytes);
  assert.deepEqual(run(digest, "another file"), { ok: true, value: false });
  assert.equal(trial.countSmall(), 1);
  assert.deepEqual(run(digest, await trial.fileOf(bytes)), { ok: true, value: true });
  assert.equal(trial.countSmall(), 0);
});
