/** Abandoned upload sessions end by themselves, and no others. */
import assert from "node:assert/strict";
import type { UploadSessionId } from "../../src/core/upload_session_id.ts";
import { type ExpireUploads, expireUploads } from "../../src/jobs/expire_uploads.ts";
import type { BlobStore } from "../../src/ports/blob_store.ts";
import type { Log } from "../../src/ports/log.ts";
import { digestOf, utf8 } from "../model/bytes.ts";
import { blobFileOf } from "../../src/storage/files/layout.ts";
import { repo, type TempMetadata, TempStorage } from "../storage/temp_storage.ts";

const HOUR = 3_600_000;
const NOW = 1_700_000_000_000;
const A = repo("a");

/** A store with sessions whose ages the test decides, and the job on it. */
class Trial implements Disposable {
  readonly storage = new TempStorage();
  readonly metadata: TempMetadata = this.storage.openMetadata();
  readonly blobs: BlobStore = this.storage.openBlobs();
  readonly warnings: unknown[] = [];
  now = NOW;

  /** A session that was started, and last written to, so many hours ago. */
  async start(startedAgo: number, touchedAgo = startedAgo): Promise<UploadSessionId> {
    const id = await this.metadata.start(A, NOW - startedAgo * HOUR);
    await this.blobs.createUpload(id);
    await this.touch(id, touchedAgo);
    return id;
  }

  async touch(id: UploadSessionId, ago: number): Promise<void> {
    const time = new Date(NOW - ago * HOUR);
    await Deno.utime(this.storage.layout.upload(id), time, time);
  }

  /** One look, 24 hours being the time that a session may be idle. */
  look(replaced: Partial<ExpireUploads> = {}): Promise<number> {
    const log: Log = {
      debug() {},
      info() {},
      warn: (message, fields) => this.warnings.push([message, fields]),
      error: (message) => assert.fail(message),
    };
    return expireUploads({
      metadata: this.metadata.store,
      blobs: this.blobs,
      clock: { now: () => this.now },
      log,
      expiryMs: 24 * HOUR,
      surelyBefore: 0,
      ...replaced,
    });
  }

  async lookTwice(replaced: Partial<ExpireUploads> = {}): Promise<number> {
    assert.equal(await this.look(replaced), 0, "nothing ends at the first look");
    return await this.look(replaced);
  }

  async isThere(id: UploadSessionId): Promise<boolean> {
    const row = await this.metadata.store.findUpload(A, id) !== undefined;
    assert.equal(await this.blobs.uploadTouchedAt(id) !== undefined, row, "row and file agree");
    return row;
  }

  [Symbol.dispose](): void {
    this.metadata[Symbol.dispose]();
    this.storage[Symbol.dispose]();
  }
}

Deno.test("a session ends at the first look when its last write is so long ago whatever was done to the clock", async () => {
  using trial = new Trial();
  const [old, doubtful] = [await trial.start(30), await trial.start(26)];
  assert.equal(await trial.look({ surelyBefore: NOW - 28 * HOUR }), 1);
  assert.deepEqual([await trial.isThere(old), await trial.isThere(doubtful)], [false, true]);
});

Deno.test("an idle session ends, row and file; one that was written to or started lately stays", async () => {
  using trial = new Trial();
  const idle = await trial.start(25);
  const writtenTo = await trial.start(100, 23);
  const young = await trial.start(23);
  assert.equal(await trial.lookTwice(), 1);
  assert.equal(await trial.isThere(idle), false);
  assert.equal(await trial.isThere(writtenTo), true);
  assert.equal(await trial.isThere(young), true);
  assert.equal(await trial.look(), 0);
  trial.now += 2 * HOUR;
  assert.equal(await trial.lookTwice(), 2);
  assert.deepEqual(trial.storage.listUploadFiles(), []);
});

Deno.test("a session that somebody holds stays, however old its last write is", async () => {
  using trial = new Trial();
  const id = await trial.start(100);
  const writer = await trial.storage.openBlobs().openUpload(id, "sha256") ?? assert.fail("locked");
  assert.equal(await trial.lookTwice(), 0);
  assert.equal(await trial.isThere(id), true);
  await writer.close();
  assert.equal(await trial.lookTwice(), 1);
});

Deno.test("a session that is continued between two looks stays", async () => {
  using trial = new Trial();
  const id = await trial.start(100);
  assert.equal(await trial.look(), 0);
  await trial.touch(id, 99);
  assert.equal(await trial.look(), 0);
  assert.equal(await trial.isThere(id), true);
});

Deno.test("a session whose request came and went between the look and the lock stays", async () => {
  using trial = new Trial();
  const id = await trial.start(100);
  const { blobs } = trial;
  const slow: BlobStore = Object.assign(Object.create(blobs), {
    uploadTouchedAt: blobs.uploadTouchedAt.bind(blobs),
    removeUpload: blobs.removeUpload.bind(blobs),
    async openUpload(...args: Parameters<BlobStore["openUpload"]>) {
      const request = await trial.storage.openBlobs().openUpload(...args);
      await request!.append(utf8("more"));
      await request!.close();
      return await blobs.openUpload(...args);
    },
  });
  assert.equal(await trial.lookTwice({ blobs: slow }), 0);
  assert.equal(await trial.isThere(id), true);
  assert.equal(await blobs.uploadSize(id), 4);
});

Deno.test("a clock that jumps a day ahead ends no session that is being used", async () => {
  using trial = new Trial();
  const ids = await Promise.all(Array.from({ length: 5 }, () => trial.start(0.1, 0.01)));
  trial.now += 25 * HOUR;
  assert.equal(await trial.look(), 0);
  // The next request of each client comes before the next look.
  for (const id of ids) await trial.touch(id, -25);
  assert.equal(await trial.look(), 0);
  for (const id of ids) assert.equal(await trial.isThere(id), true);
});

Deno.test("a clock that is set back keeps sessions longer and ends none early", async () => {
  using trial = new Trial();
  const id = await trial.start(25);
  trial.now -= 24 * HOUR;
  assert.equal(await trial.lookTwice(), 0);
  assert.equal(await trial.isThere(id), true);
});

Deno.test("a finish that is between its rename and its transaction is not disturbed by a look", async () => {
  using trial = new Trial();
  const session = await trial.start(100);
  const writer = await trial.blobs.openUpload(session, "sha256") ?? assert.fail("locked");
  const bytes = utf8("the last bytes of a long upload");
  await writer.append(bytes);
  const digest = await writer.digest("sha256");
  const file = await writer.promote(digest);
  assert.equal(await trial.look(), 0);
  const outcome = await trial.metadata.store
    .finishUpload({ session, repository: A, digest, size: bytes.length, file, at: NOW });
  await writer.close();
  assert.deepEqual(outcome, { kind: "finished", obsolete: undefined });
  assert.equal(await trial.look(), 0);
  assert.equal(await trial.blobs.isWhole(blobFileOf(digest, session), bytes.length), true);
});

Deno.test("a session whose file is gone for good ends too", async () => {
  using trial = new Trial();
  const id = await trial.metadata.start(A, NOW - 25 * HOUR);
  assert.equal(await trial.lookTwice(), 1);
  assert.equal(await trial.metadata.store.findUpload(A, id), undefined);
});

Deno.test("every session of several pages is looked at once", async () => {
  using trial = new Trial();
  const ids: UploadSessionId[] = [];
  for (let i = 0; i < 257; i++) ids.push(await trial.start(25 + i, i % 3 === 0 ? 1 : 25));
  const kept = ids.filter((_, i) => i % 3 === 0);
  assert.equal(await trial.lookTwice(), ids.length - kept.length);
  assert.deepEqual(trial.storage.listUploadFiles(), kept.toSorted());
  assert.deepEqual(
    (await trial.metadata.store.listUploads(NOW, { limit: 1000 })).map(({ id }) => id),
    kept.toSorted(),
  );
});

Deno.test("a session that cannot be ended is warned of, and the others end", async () => {
  using trial = new Trial();
  const ids = [await trial.start(25), await trial.start(25), await trial.start(25)].toSorted();
  const { blobs } = trial;
  const faulty: BlobStore = Object.assign(Object.create(blobs), {
    uploadTouchedAt: blobs.uploadTouchedAt.bind(blobs),
    removeUpload: blobs.removeUpload.bind(blobs),
    openUpload: async (...args: Parameters<BlobStore["openUpload"]>) => {
      if (args[0] === ids[1]) throw new Error("Permission denied (os error 13)");
      return await blobs.openUpload(...args);
    },
  });
  assert.equal(await trial.lookTwice({ blobs: faulty }), 2);
  assert.equal(trial.warnings.length, 1);
  assert.equal(await trial.isThere(ids[1]!), true);
});

Deno.test("a session that its client cancels during the look is no fault", async () => {
  using trial = new Trial();
  const id = await trial.start(25);
  const { blobs } = trial;
  const racing: BlobStore = Object.assign(Object.create(blobs), {
    uploadTouchedAt: blobs.uploadTouchedAt.bind(blobs),
    async openUpload(...args: Parameters<BlobStore["openUpload"]>) {
      await trial.metadata.store.cancelUpload(A, id);
      await blobs.removeUpload(id);
      return await blobs.openUpload(...args);
    },
  });
  assert.equal(await trial.lookTwice({ blobs: racing }), 0);
  assert.deepEqual(trial.warnings, []);
});

Deno.test("blobs are not touched by the end of sessions", async () => {
  using trial = new Trial();
  const digest = digestOf("x");
  const { file } = await trial.metadata.hold(A, digest, 1, NOW - 100 * HOUR);
  await Deno.writeTextFile(trial.storage.layout.blob(file), "x");
  await trial.start(25);
  assert.equal(await trial.lookTwice(), 1);
  assert.equal(await trial.blobs.isWhole(file, 1), true);
});

Deno.test("a session that nothing has come to ends by its start, without a file that could tell", async () => {
  using trial = new Trial();
  const start = (ago: number) => trial.metadata.start(A, NOW - ago * HOUR);
  const [old, recent] = [await start(25), await start(23)];
  trial.metadata.database.exec("UPDATE upload_session SET has_file = 0");
  const left = () => trial.metadata.rows("SELECT id FROM upload_session").map(({ id }) => id);
  assert.deepEqual(left().sort(), [old, recent].sort());
  assert.equal(await trial.lookTwice(), 1);
  assert.deepEqual(left(), [recent]);
  // A server that is started often looks only once in each of its lives.
  assert.equal(await trial.look({ expiryMs: HOUR, surelyBefore: NOW - 2 * HOUR }), 1);
  assert.deepEqual(trial.warnings, []);
});

Deno.test("a session that gets its first bytes between the look and its end goes on", async () => {
  using trial = new Trial();
  const id = await trial.metadata.start(A, NOW - 25 * HOUR);
  trial.metadata.database.exec("UPDATE upload_session SET has_file = 0");
  assert.equal(await trial.look(), 0);
  const { store } = trial.metadata;
  const metadata = Object.create(store, {
    findUpload: {
      async value(...args: Parameters<typeof store.findUpload>) {
        await trial.blobs.createUpload(id);
        await store.noteUploadFile(A, id);
        return await store.findUpload(...args);
      },
    },
    listUploads: { value: store.listUploads.bind(store) },
    cancelUpload: { value: store.cancelUpload.bind(store) },
  });
  assert.equal(await trial.look({ metadata }), 0);
  assert.equal(await trial.isThere(id), true);
});
