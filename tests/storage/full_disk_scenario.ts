/** What the storage does on a disk that fills up; runs on a small file system of its own, prints "ok" at the end. */
import assert from "node:assert/strict";
import { OciError } from "../../src/core/oci_error.ts";
import { makeUploadSessionId } from "../../src/core/upload_session_id.ts";
import type { FinishOutcome } from "../../src/ports/metadata_store.ts";
import { Ballast } from "../../src/storage/files/ballast.ts";
import { FileBlobStore } from "../../src/storage/files/file_blob_store.ts";
import { Layout, makeFolders } from "../../src/storage/files/layout.ts";
import { GroupCommit } from "../../src/storage/sqlite/group_commit.ts";
import { openForReading, openForWriting } from "../../src/storage/sqlite/open_database.ts";
import { SqliteMetadataStore } from "../../src/storage/sqlite/sqlite_metadata_store.ts";
import { SqliteReader } from "../../src/storage/sqlite/sqlite_reader.ts";
import { LocalWriter } from "../../src/storage/sqlite/writer_link.ts";
import { recoverUploads } from "../../src/storage/recover.ts";
import { digestOf, randomBytes } from "../model/bytes.ts";
import { push, reference, repo, tag } from "./temp_storage.ts";

const MiB = 1024 * 1024;
const A = repo("a");
const layout = new Layout(`${Deno.args[0]!}/data`);
makeFolders(layout);

function isFull(error: unknown): boolean {
  assert.ok(error instanceof OciError, String(error));
  assert.equal(error.code, "INSUFFICIENT_STORAGE");
  return true;
}

async function open() {
  const database = openForWriting(layout.database);
  recoverUploads(layout, database);
  const ballast = new Ballast(layout.ballast, MiB);
  const commit = new GroupCommit(database, ballast);
  await ballast.settled();
  const reader = new SqliteReader(openForReading(layout.database), { cacheBytes: 0 });
  return { commit, reader, metadata: new SqliteMetadataStore(reader, new LocalWriter(commit)) };
}

let { commit, reader, metadata } = await open();
const blobs = new FileBlobStore(layout, { minimumFreeSpace: 0, cacheBytes: 0 });

async function pushBlob(bytes: Uint8Array): Promise<FinishOutcome> {
  const id = makeUploadSessionId();
  await metadata.startUpload({
    id,
    repository: A,
    algorithm: undefined,
    startedAt: 1,
    owner: "",
    hasFile: true,
  });
  try {
    await blobs.createUpload(id);
    const writer = await blobs.openUpload(id, "sha256") ?? assert.fail("locked");
    try {
      for (let at = 0; at < bytes.length; at += 100_000) await writer.append(bytes.slice(at, at + 100_000));
      const digest = await writer.digest("sha256");
      const file = await writer.promote(digest);
      return await metadata.finishUpload({
        session: id,
        repository: A,
        digest,
        size: bytes.length,
        file,
        at: 2,
      });
    } finally {
      await writer.close();
    }
  } catch (error) {
    await metadata.cancelUpload(A, id);
    await blobs.removeUpload(id);
    throw error;
  }
}

/** Tries again while the disk counts as full: whether there is room again is looked at once a second. */
async function soon<T>(work: () => Promise<T>): Promise<T> {
  const deadline = Date.now() + 60_000;
  while (true) {
    try {
      return await work();
    } catch (error) {
      isFull(error);
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const layer = randomBytes(MiB);
const image = push(A, "image", { tags: [tag("v1")], references: [reference("layer", digestOf(layer), MiB)] });
await pushBlob(layer);
assert.deepEqual(await metadata.putManifest(image), { kind: "stored" });
const unwanted = push(A, "x".repeat(100_000));
assert.deepEqual(await metadata.putManifest(unwanted), { kind: "stored" });
assert.equal((await Deno.stat(layout.ballast)).size, MiB);

// A blob that does not fit is refused and leaves nothing.
await assert.rejects(pushBlob(randomBytes(20 * MiB)), isFull);
assert.deepEqual([...Deno.readDirSync(layout.uploads)], []);
assert.deepEqual(await soon(() => pushBlob(randomBytes(1000))), { kind: "finished", obsolete: undefined });

// Something else takes all the room.
const junk = Deno.openSync(`${Deno.args[0]!}/junk`, { write: true, create: true });
await assert.rejects(async () => {
  while (true) await junk.write(randomBytes(4096));
});
let n = 0;
const pushUntilFull = async (): Promise<void> => {
  while (n < 1000) await metadata.putManifest(push(A, `manifest ${n++} ${"x".repeat(50_000)}`));
};
await assert.rejects(pushUntilFull(), isFull);
await assert.rejects(Deno.stat(layout.ballast), Deno.errors.NotFound);

// Reads and deletes go on; what adds content, and the readiness, say that the disk is full.
assert.equal((await metadata.findManifest(A, { kind: "tag", tag: tag("v1") }))?.digest, image.digest);
assert.deepEqual(await metadata.deleteManifest(A, unwanted.digest, 3), { kind: "deleted" });
await assert.rejects(metadata.putManifest(push(A, "small")), isFull);
await assert.rejects(metadata.checkReady(), isFull);
assert.equal((await metadata.deleteBlob(A, digestOf("unknown"))).kind, "unknown");

// A restart on the full disk works.
reader.close();
commit.close();
({ commit, reader, metadata } = await open());
assert.equal((await metadata.findManifest(A, { kind: "tag", tag: tag("v1") }))?.digest, image.digest);
assert.equal(await metadata.deleteTag(A, tag("v1"), 4), true);

// Room comes back, and with it everything else, without another restart.
junk.close();
Deno.removeSync(`${Deno.args[0]!}/junk`);
assert.deepEqual(await soon(() => metadata.putManifest(push(A, "small"))), { kind: "stored" });
await soon(async () => {
  await metadata.checkReady();
  if ([...Deno.readDirSync(layout.rootDir)].every(({ name }) => name !== "ballast")) {
    throw new OciError("INSUFFICIENT_STORAGE", { message: "the ballast is not made again" });
  }
});
reader.close();
commit.close();
console.log("ok");
