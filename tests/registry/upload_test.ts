/** Uploads under contention and under faults of the stores. */
import assert from "node:assert/strict";
import type { RepositoryName } from "../../src/core/repository_name.ts";
import type { UploadSessionId } from "../../src/core/upload_session_id.ts";
import type { BlobFile, BlobReader, UploadWriter } from "../../src/ports/blob_store.ts";
import { deleteBlob } from "../../src/registry/delete.ts";
import {
  appendUpload,
  cancelUpload,
  completeUpload,
  readUploadOffset,
  startUpload,
  uploadWhole,
} from "../../src/registry/upload.ts";
import type { UploadName } from "../../src/registry/upload_hold.ts";
import type { UploadPiece } from "../../src/registry/upload_piece.ts";
import { digestOf, randomBytes } from "../model/bytes.ts";
import { makeModelRegistry, type ModelRegistry } from "../model/model_registry.ts";

const APP = "app" as RepositoryName;
const named = (id: UploadSessionId): UploadName => ({ repository: APP, id, owner: "" });
const NOTHING: UploadPiece = { length: 0, window: undefined, async *chunks() {} };

function pieceOf(bytes: Uint8Array): UploadPiece {
  return {
    length: bytes.length,
    window: undefined,
    async *chunks() {
      yield bytes;
    },
  };
}

/** Opens a session that has its file already. */
async function startWithFile(registry: ModelRegistry): Promise<UploadName> {
  const name = named((await startUpload(registry, APP, "", undefined)).id);
  await appendUpload(registry, name, NOTHING);
  return name;
}

/** Lets a test change the writers that the blob store hands out. */
function changeWriters(registry: ModelRegistry, change: Partial<UploadWriter>): void {
  const openUpload = registry.blobs.openUpload.bind(registry.blobs);
  registry.blobs.openUpload = async (id, algorithm) => {
    const writer = await openUpload(id, algorithm);
    return writer && Object.defineProperties(writer, Object.getOwnPropertyDescriptors(change));
  };
}

Deno.test("a session that another request holds is waited for", async () => {
  const registry = makeModelRegistry({ busySessionPatience: 5000 });
  const { id } = await startWithFile(registry);
  const holder = (await registry.blobs.openUpload(id, "sha256"))!;
  await holder.append(randomBytes(10));
  const append = appendUpload(registry, named(id), pieceOf(randomBytes(5)));
  await holder.close();
  assert.equal(await append, 15);
});

Deno.test("a session that another request keeps is refused with 409 before a byte is read", async () => {
  const registry = makeModelRegistry();
  const { id } = await startWithFile(registry);
  const holder = (await registry.blobs.openUpload(id, "sha256"))!;
  const piece: UploadPiece = { length: 5, window: undefined, chunks: () => assert.fail("read") };
  for (
    const attempt of [
      appendUpload(registry, named(id), piece),
      completeUpload(registry, named(id), digestOf("x"), piece),
    ]
  ) {
    await assert.rejects(attempt, {
      code: "BLOB_UPLOAD_INVALID",
      status: 409,
      message: /another request is writing/,
    });
  }
  assert.equal(holder.offset, 0);
  await holder.close();
});

Deno.test("a session that was finished while it was waited for is unknown", async () => {
  const registry = makeModelRegistry({ busySessionPatience: 5000 });
  const session = await startWithFile(registry);
  const holder = (await registry.blobs.openUpload(session.id, "sha256"))!;
  const append = appendUpload(registry, session, pieceOf(randomBytes(5)));
  await registry.metadata.cancelUpload(APP, session.id);
  await holder.close();
  await assert.rejects(append, { code: "BLOB_UPLOAD_UNKNOWN" });
  assert.equal(registry.blobs.openCount, 0);
});

Deno.test("two completions of one session make one blob and one refusal", async () => {
  const registry = makeModelRegistry({ busySessionPatience: 5000 });
  const bytes = randomBytes(10);
  const { id } = await startUpload(registry, APP, "", undefined);
  await appendUpload(registry, named(id), pieceOf(bytes));
  const outcomes = await Promise.allSettled(
    [1, 2].map(() => completeUpload(registry, named(id), digestOf(bytes), NOTHING)),
  );
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
  assert.equal(registry.blobs.files.size, 1);
  assert.equal(registry.blobs.openCount, 0);
});

Deno.test("a failed transaction takes the promotion back, and the session can be completed", async () => {
  const registry = makeModelRegistry();
  const bytes = randomBytes(10);
  const { id } = await startUpload(registry, APP, "", undefined);
  await appendUpload(registry, named(id), pieceOf(bytes));
  const fault = new Error("SQLITE_FULL");
  const finishUpload = registry.metadata.finishUpload;
  registry.metadata.finishUpload = () => Promise.reject(fault);
  await assert.rejects(completeUpload(registry, named(id), digestOf(bytes), NOTHING), fault);
  assert.equal(registry.blobs.files.size, 0);
  assert.equal(await readUploadOffset(registry, named(id)), 10);
  registry.metadata.finishUpload = finishUpload;
  await completeUpload(registry, named(id), digestOf(bytes), NOTHING);
  assert.equal(registry.blobs.files.size, 1);
});

Deno.test("a promotion that cannot be taken back is logged, and the first fault is passed on", async () => {
  const registry = makeModelRegistry();
  changeWriters(registry, { demote: () => Promise.reject(new Error("EIO")) });
  const fault = new Error("SQLITE_FULL");
  registry.metadata.finishUpload = () => Promise.reject(fault);
  const bytes = randomBytes(10);
  const { id } = await startUpload(registry, APP, "", undefined);
  await assert.rejects(completeUpload(registry, named(id), digestOf(bytes), pieceOf(bytes)), fault);
  assert.deepEqual(registry.lines.map(({ level }) => level), ["error"]);
  assert.equal(registry.blobs.openCount, 0);
});

Deno.test("a session that is cancelled while it is completed leaves no blob", async () => {
  const registry = makeModelRegistry();
  const bytes = randomBytes(10);
  const { id } = await startUpload(registry, APP, "", undefined);
  const piece: UploadPiece = {
    length: 10,
    window: undefined,
    async *chunks() {
      yield bytes;
      await cancelUpload(registry, named(id));
    },
  };
  await assert.rejects(completeUpload(registry, named(id), digestOf(bytes), piece), {
    code: "BLOB_UPLOAD_UNKNOWN",
  });
  assert.equal(registry.blobs.files.size, 0);
  assert.equal(registry.blobs.openCount, 0);
  assert.equal(await registry.metadata.findBlob(APP, digestOf(bytes)), undefined);
});

Deno.test("a replaced file that cannot be removed does not fail the push", async () => {
  const registry = makeModelRegistry();
  const bytes = randomBytes(10);
  await uploadWhole(registry, APP, "", digestOf(bytes), pieceOf(bytes));
  const fault = new Error("EIO");
  registry.blobs.remove = () => Promise.reject(fault);
  await uploadWhole(registry, APP, "", digestOf(bytes), pieceOf(bytes));
  assert.deepEqual(registry.lines.map(({ level, fields }) => [level, fields!["error"]]), [["warn", fault]]);
});

Deno.test("a deleted blob's file that cannot be removed does not fail the deletion", async () => {
  const registry = makeModelRegistry();
  const bytes = randomBytes(10);
  await uploadWhole(registry, APP, "", digestOf(bytes), pieceOf(bytes));
  registry.blobs.remove = () => Promise.reject(new Error("EIO"));
  await deleteBlob(registry, APP, digestOf(bytes));
  assert.equal(registry.lines.length, 1);
});

Deno.test("a session whose file cannot be made fails the request, and can be gone on with", async () => {
  const registry = makeModelRegistry();
  const fault = new Error("ENOSPC");
  const { createUpload } = registry.blobs;
  registry.blobs.createUpload = (id) => {
    assert.ok(registry.metadata.uploads.has(id), "the row is there before the file");
    return Promise.reject(fault);
  };
  const { id } = await startUpload(registry, APP, "", undefined);
  await assert.rejects(appendUpload(registry, named(id), pieceOf(randomBytes(10))), fault);
  await assert.rejects(uploadWhole(registry, APP, "", digestOf("x"), pieceOf(randomBytes(10))), fault);
  assert.deepEqual([...registry.metadata.uploads.keys()], [id], "that of a single POST is gone");
  registry.blobs.createUpload = createUpload;
  assert.equal(await appendUpload(registry, named(id), pieceOf(randomBytes(10))), 10);
});

Deno.test("a session that ends while its file is made is unknown, and leaves no file", async () => {
  const registry = makeModelRegistry();
  const { id } = await startUpload(registry, APP, "", undefined);
  const createUpload = registry.blobs.createUpload.bind(registry.blobs);
  registry.blobs.createUpload = async (session) => {
    await createUpload(session);
    await registry.metadata.cancelUpload(APP, session);
  };
  await assert.rejects(appendUpload(registry, named(id), pieceOf(randomBytes(10))), {
    code: "BLOB_UPLOAD_UNKNOWN",
  });
  assert.equal(registry.blobs.uploads.size, 0);
  assert.equal(registry.blobs.openCount, 0);
});

Deno.test("a disk that fails in the middle fails the request and keeps the session, except for a single POST", async () => {
  const registry = makeModelRegistry();
  const fault = new Error("EIO");
  const bytes = randomBytes(10);
  changeWriters(registry, { append: () => Promise.reject(fault) });
  const { id } = await startUpload(registry, APP, "", undefined);
  await assert.rejects(appendUpload(registry, named(id), pieceOf(bytes)), fault);
  await assert.rejects(uploadWhole(registry, APP, "", digestOf(bytes), pieceOf(bytes)), fault);
  assert.deepEqual([...registry.metadata.uploads.keys()], [id]);
  assert.deepEqual([...registry.blobs.uploads.keys()], [id]);
  assert.equal(registry.blobs.openCount, 0);
});

Deno.test("bytes that cannot be written out at the end fail the request", async () => {
  const registry = makeModelRegistry();
  const fault = new Error("ENOSPC");
  changeWriters(registry, { close: () => Promise.reject(fault) });
  const { id } = await startUpload(registry, APP, "", undefined);
  await assert.rejects(appendUpload(registry, named(id), pieceOf(randomBytes(10))), fault);
});

Deno.test("what goes wrong while putting a session away is logged and hides no other fault", async () => {
  const registry = makeModelRegistry();
  const { id } = await startUpload(registry, APP, "", undefined);
  registry.metadata.cancelUpload = () => Promise.reject(new Error("SQLITE_BUSY"));
  registry.blobs.removeUpload = () => Promise.reject(new Error("EIO"));
  const attempt = completeUpload(registry, named(id), digestOf("other"), pieceOf(randomBytes(10)));
  await assert.rejects(attempt, { code: "DIGEST_INVALID" });
  assert.deepEqual(registry.lines.map(({ level }) => level), ["warn", "warn"]);
  const whole = uploadWhole(registry, APP, "", digestOf("other"), pieceOf(randomBytes(10)));
  await assert.rejects(whole, { code: "DIGEST_INVALID" });
});

Deno.test("the writer hashes with the announced algorithm, and with that of the digest at the end", async () => {
  const registry = makeModelRegistry();
  const asked: string[] = [];
  const openUpload = registry.blobs.openUpload.bind(registry.blobs);
  registry.blobs.openUpload = (id, algorithm) => {
    asked.push(algorithm);
    return openUpload(id, algorithm);
  };
  const bytes = randomBytes(10);
  for (const hint of [undefined, "sha512"] as const) {
    const { id } = await startUpload(registry, APP, "", hint);
    await appendUpload(registry, named(id), pieceOf(bytes));
    await completeUpload(registry, named(id), digestOf(bytes, "sha512"), NOTHING);
  }
  assert.deepEqual(asked, ["sha256", "sha512", "sha512", "sha512"]);
});

Deno.test("a blob that was pushed again has the new file, and the old one is gone", async () => {
  const registry = makeModelRegistry();
  const bytes = randomBytes(10);
  await uploadWhole(registry, APP, "", digestOf(bytes), pieceOf(bytes));
  const old = [...registry.blobs.files.keys()][0] as BlobFile;
  await uploadWhole(registry, APP, "", digestOf(bytes), pieceOf(bytes));
  assert.ok(!registry.blobs.files.has(old));
  assert.deepEqual([...registry.blobs.files.values()], [bytes]);
});

Deno.test("whoever reads along can open what there is of a blob when it hears of the session", async () => {
  const registry = makeModelRegistry();
  const bytes = randomBytes(10);
  let opened: Promise<BlobReader | undefined> | undefined;
  const watch = {
    opened: (id: UploadSessionId) => opened = registry.blobs.openUnfinished(id, 10),
    written() {},
  };
  await uploadWhole(registry, APP, "", digestOf(bytes), { ...pieceOf(bytes), watch });
  const reader = await opened;
  assert.ok(reader !== undefined);
  reader.close();
});
