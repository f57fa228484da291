/** Blobs whose bytes are not where the row says, and announcements that the collection counts on. */
import assert from "node:assert/strict";
import type { RepositoryName } from "../../src/core/repository_name.ts";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import { announceHeldBlob, pullBlob } from "../../src/registry/pull.ts";
import { uploadWhole } from "../../src/registry/upload.ts";
import { digestOf, randomBytes } from "../model/bytes.ts";
import { makeModelRegistry } from "../model/model_registry.ts";

const APP = "app" as RepositoryName;

async function holdBlob() {
  const registry = makeModelRegistry();
  const bytes = randomBytes(100);
  const digest = digestOf(bytes);
  const push = () =>
    uploadWhole(registry, APP, "", digest, {
      length: bytes.length,
      window: undefined,
      async *chunks() {
        yield bytes;
      },
    });
  await push();
  const file = [...registry.blobs.files.keys()][0]!;
  return { registry, bytes, digest, push, file };
}

Deno.test("pullBlob() looks a blob up once more when its file is gone", async () => {
  const { registry, bytes, digest, file } = await holdBlob();
  const open = registry.blobs.open.bind(registry.blobs);
  registry.blobs.open = (asked, size) => {
    if (asked === file) {
      // A new push of the digest came between look-up and opening.
      registry.blobs.files.delete(file);
      registry.blobs.files.set("new" as BlobFile, bytes);
      registry.metadata.blobs.set(digest, { size, file: "new" as BlobFile });
    }
    return open(asked, size);
  };
  const reader = await pullBlob(registry, APP, digest);
  assert.deepEqual(reader.bytes, bytes);
  reader.close();
  assert.equal(registry.lines.length, 0);
});

Deno.test("pullBlob() and announceHeldBlob() answer BLOB_UNKNOWN and log an error when the bytes are missing or short", async () => {
  for (const damage of ["missing", "short"]) {
    const { registry, bytes, digest, file, push } = await holdBlob();
    if (damage === "missing") registry.blobs.files.delete(file);
    else registry.blobs.files.set(file, bytes.slice(1));
    for (const verb of [pullBlob, announceHeldBlob]) {
      registry.lines.length = 0;
      await assert.rejects(verb(registry, APP, digest), { code: "BLOB_UNKNOWN" });
      assert.deepEqual(registry.lines.map(({ level, fields }) => [level, fields!["digest"]]), [[
        "error",
        digest,
      ]]);
    }
    await push();
    (await pullBlob(registry, APP, digest)).close();
    await announceHeldBlob(registry, APP, digest);
  }
});

Deno.test("pullBlob() answers BLOB_UNKNOWN without a log line when the blob was collected in between", async () => {
  const { registry, digest } = await holdBlob();
  registry.blobs.open = async () => {
    await registry.metadata.deleteBlob(APP, digest);
    return undefined;
  };
  await assert.rejects(pullBlob(registry, APP, digest), { code: "BLOB_UNKNOWN" });
  assert.equal(registry.lines.length, 0);
});

Deno.test("announceHeldBlob() looks a blob up once more when its file was replaced", async () => {
  const { registry, digest, push, file } = await holdBlob();
  const isWhole = registry.blobs.isWhole.bind(registry.blobs);
  registry.blobs.isWhole = async (asked, size) => {
    if (asked === file) await push();
    return await isWhole(asked, size);
  };
  assert.notEqual((await announceHeldBlob(registry, APP, digest)).file, file);
});

Deno.test("announceHeldBlob() writes an announcement when the last one is older than announceAfter, and no sooner", async () => {
  const { registry, digest } = await holdBlob();
  const { announceAfter } = registry.settings;
  const written: number[] = [];
  const announceBlob = registry.metadata.announceBlob.bind(registry.metadata);
  registry.metadata.announceBlob = (repository, blob, at) => {
    written.push(at);
    return announceBlob(repository, blob, at);
  };
  const start = registry.time;
  for (const after of [0, announceAfter, announceAfter + 1, announceAfter + 2, 2 * announceAfter + 2]) {
    registry.time = start + after;
    await announceHeldBlob(registry, APP, digest);
  }
  assert.deepEqual(written, [start + announceAfter + 1, start + 2 * announceAfter + 2]);
});

Deno.test("announceHeldBlob() does not promise a blob that was collected just before the announcement", async () => {
  const { registry, digest } = await holdBlob();
  registry.time += registry.settings.announceAfter + 1;
  registry.metadata.announceBlob = async () => {
    await registry.metadata.deleteBlob(APP, digest);
  };
  await assert.rejects(announceHeldBlob(registry, APP, digest), { code: "BLOB_UNKNOWN" });
});

Deno.test("announceHeldBlob() passes on that the announcement could not be written", async () => {
  const { registry, digest } = await holdBlob();
  registry.time += registry.settings.announceAfter + 1;
  const fault = new Error("disk full");
  registry.metadata.announceBlob = () => Promise.reject(fault);
  await assert.rejects(announceHeldBlob(registry, APP, digest), fault);
});
