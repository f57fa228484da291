/** Manifests, tags and their history in the SQLite store. */
import assert from "node:assert/strict";
import { parseMediaType } from "../../src/core/media_type.ts";
import type { Digest } from "../../src/core/digest.ts";
import type { Reference } from "../../src/core/reference.ts";
import { digestOf } from "../model/bytes.ts";
import { fakeDigest, push, reference, repo, tag, type TempMetadata, TempStorage } from "./temp_storage.ts";

const [A, B] = [repo("a"), repo("b")];
const byTag = (name: string): Reference => ({ kind: "tag", tag: tag(name) });
const byDigest = (digest: Digest): Reference => ({ kind: "digest", digest });

function history(metadata: TempMetadata, name: string): unknown[] {
  return metadata.rows("SELECT digest, previous, at FROM tag_history WHERE tag = ? ORDER BY id", name);
}

Deno.test("a manifest is found by digest and by tag, byte for byte and under its media type", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const mediaType = parseMediaType("application/vnd.docker.distribution.manifest.v2+json");
  const bytes = new Uint8Array([0, 255, 10, 13, 200]);
  const manifest = push(A, "m", {
    bytes,
    digest: digestOf(bytes),
    mediaType,
    tags: [tag("v1"), tag("latest")],
  });
  assert.deepEqual(await metadata.store.putManifest(manifest), { kind: "stored" });
  const stored = { digest: manifest.digest, mediaType, bytes };
  for (const wanted of [byDigest(manifest.digest), byTag("v1"), byTag("latest")]) {
    assert.deepEqual(await metadata.store.findManifest(A, wanted), stored);
    assert.equal(await metadata.store.findManifest(B, wanted), undefined);
  }
  assert.equal(await metadata.store.findManifest(A, byTag("LATEST")), undefined);
  assert.equal(await metadata.store.findManifest(A, byDigest(fakeDigest(1))), undefined);
});

Deno.test("a manifest whose config or layers the repository does not hold is refused, all of them named", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  await metadata.hold(A, fakeDigest(1));
  await metadata.hold(B, fakeDigest(2));
  const references = [1, 2, 3, 4].map((n) => reference(n === 3 ? "config" : "layer", fakeDigest(n)));
  const manifest = push(A, "m", { references, tags: [tag("v1")] });
  const refused = { kind: "blobs_missing", missing: [fakeDigest(2), fakeDigest(3), fakeDigest(4)] };
  assert.deepEqual(await metadata.store.putManifest(manifest), refused);
  assert.equal(await metadata.store.findManifest(A, byTag("v1")), undefined);
  assert.deepEqual(await metadata.store.putManifest({ ...manifest, repository: repo("new") }), {
    kind: "blobs_missing",
    missing: references.map(({ digest }) => digest),
  });
  assert.equal(await metadata.store.hasRepository(repo("new")), false, "a refusal leaves nothing behind");
  for (const table of ["manifest", "content", "manifest_reference", "tag", "tag_history"]) {
    assert.deepEqual(metadata.rows(`SELECT * FROM ${table}`), [], table);
  }
});

Deno.test("a refusal names 100 missing blobs at most", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const references = Array.from({ length: 250 }, (_, n) => reference("layer", fakeDigest(n)));
  const outcome = await metadata.store.putManifest(push(A, "m", { references }));
  assert.deepEqual(outcome, {
    kind: "blobs_missing",
    missing: references.slice(0, 100).map(({ digest }) => digest),
  });
});

Deno.test("a manifest that states another size than a blob has is refused, strict or lenient", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  await metadata.hold(A, fakeDigest(1), 10);
  for (const requireBlobs of [true, false]) {
    const references = [reference("config", fakeDigest(9)), reference("layer", fakeDigest(1), 11)];
    const outcome = await metadata.store.putManifest(push(A, "m", { references, requireBlobs }));
    assert.deepEqual(outcome, { kind: "size_differs", digest: fakeDigest(1), stated: 11, actual: 10 });
  }
  assert.deepEqual(metadata.rows("SELECT * FROM manifest"), []);
});

Deno.test("missing blobs are accepted where they are not required, missing children and foreign layers always", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const lenient = push(A, "m", { references: [reference("layer", fakeDigest(1))], requireBlobs: false });
  assert.deepEqual(await metadata.store.putManifest(lenient), { kind: "stored" });
  const sparse = push(A, "index", {
    references: [reference("child", fakeDigest(2)), reference("foreign", fakeDigest(3))],
  });
  assert.deepEqual(await metadata.store.putManifest(sparse), { kind: "stored" });
});

Deno.test("pushing a manifest again changes what it may change: media type, references, times, tags", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  for (const n of [1, 2]) await metadata.hold(A, fakeDigest(n));
  const first = push(A, "m", {
    references: [reference("layer", fakeDigest(1))],
    tags: [tag("v1")],
    at: 1000,
  });
  await metadata.store.putManifest(first);
  const mediaType = parseMediaType("application/vnd.oci.image.index.v1+json");
  await metadata.store.putManifest({ ...first, mediaType, references: [], tags: [], at: 2000 });
  assert.equal((await metadata.store.findManifest(A, byTag("v1")))?.mediaType, mediaType);
  assert.deepEqual(metadata.rows("SELECT * FROM manifest_reference"), []);
  assert.equal((await metadata.store.deleteBlob(A, fakeDigest(1))).kind, "deleted");
  assert.deepEqual(metadata.rows("SELECT pushed_at FROM manifest"), [{ pushed_at: 2000 }]);
});

Deno.test("pushing a manifest again heals bytes that were damaged on the disk", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const manifest = push(A, "m");
  await metadata.store.putManifest(manifest);
  metadata.database.exec("UPDATE content SET bytes = x'00'");
  await metadata.store.putManifest(manifest);
  assert.deepEqual((await metadata.store.findManifest(A, byDigest(manifest.digest)))?.bytes, manifest.bytes);
});

Deno.test("the history of a tag has a row for each move and deletion, and none for a push of the same", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const [one, two] = [push(A, "one", { tags: [tag("v1")] }), push(A, "two", { tags: [tag("v1")] })];
  await metadata.store.putManifest({ ...one, at: 1 });
  await metadata.store.putManifest({ ...one, at: 2 });
  await metadata.store.putManifest({ ...two, at: 3 });
  await metadata.store.putManifest({ ...one, repository: B, at: 4 });
  assert.equal(await metadata.store.deleteTag(A, tag("v1"), 5), true);
  assert.equal(await metadata.store.deleteTag(A, tag("v1"), 6), false);
  await metadata.store.putManifest({ ...two, at: 7 });
  await metadata.store.deleteManifest(A, two.digest, 8);
  const of = (repository: number) =>
    metadata.rows(
      "SELECT digest, previous, at FROM tag_history WHERE repository = ? ORDER BY id",
      repository,
    );
  assert.deepEqual(of(1), [
    { digest: one.digest, previous: null, at: 1 },
    { digest: two.digest, previous: one.digest, at: 3 },
    { digest: null, previous: two.digest, at: 5 },
    { digest: two.digest, previous: null, at: 7 },
    { digest: null, previous: two.digest, at: 8 },
  ]);
  assert.deepEqual(of(2), [{ digest: one.digest, previous: null, at: 4 }]);
  assert.deepEqual(metadata.rows("SELECT pushed_at FROM tag"), [{ pushed_at: 4 }]);
});

Deno.test("deleteTag() leaves the manifest and its other tags", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const manifest = push(A, "m", { tags: [tag("v1"), tag("v2")] });
  await metadata.store.putManifest(manifest);
  assert.equal(await metadata.store.deleteTag(B, tag("v1"), 1), false);
  assert.equal(await metadata.store.deleteTag(A, tag("v1"), 1), true);
  assert.equal(await metadata.store.findManifest(A, byTag("v1")), undefined);
  assert.ok(await metadata.store.findManifest(A, byTag("v2")));
  assert.ok(await metadata.store.findManifest(A, byDigest(manifest.digest)));
});

Deno.test("deleteManifest() takes the tags that name it, its references and its place among referrers", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  await metadata.hold(A, fakeDigest(1));
  const subject = fakeDigest(7);
  const doomed = push(A, "m", {
    tags: [tag("v1"), tag("v2")],
    references: [reference("layer", fakeDigest(1))],
    subject,
  });
  const other = push(A, "other", { tags: [tag("v3")] });
  await metadata.store.putManifest(doomed);
  await metadata.store.putManifest(other);
  assert.equal((await metadata.store.deleteManifest(B, doomed.digest, 5)).kind, "unknown");
  assert.equal((await metadata.store.deleteManifest(A, doomed.digest, 5)).kind, "deleted");
  assert.equal((await metadata.store.deleteManifest(A, doomed.digest, 6)).kind, "unknown");
  assert.deepEqual(await metadata.store.listTags(A, { limit: 10 }), ["v3"]);
  assert.deepEqual(await metadata.store.listReferrers(A, subject, { limit: 10 }), []);
  assert.deepEqual(metadata.rows("SELECT * FROM manifest_reference"), []);
  assert.deepEqual(history(metadata, "v2").at(-1), { digest: null, previous: doomed.digest, at: 5 });
  assert.deepEqual(metadata.rows("SELECT digest FROM content"), [{ digest: other.digest }]);
});

Deno.test("the bytes of a manifest stay while another repository has it", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const manifest = push(A, "m");
  await metadata.store.putManifest(manifest);
  await metadata.store.putManifest({ ...manifest, repository: B });
  await metadata.store.deleteManifest(A, manifest.digest, 1);
  assert.equal(await metadata.store.findManifest(A, byDigest(manifest.digest)), undefined);
  assert.deepEqual((await metadata.store.findManifest(B, byDigest(manifest.digest)))?.bytes, manifest.bytes);
  await metadata.store.deleteManifest(B, manifest.digest, 1);
  assert.deepEqual(metadata.rows("SELECT * FROM content"), []);
});

Deno.test("names that look like SQL or like each other stay what they are", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const names = ["a/b", "a-b", "a.b", "a_b", "a__b", "ab"].map(repo);
  for (const [i, name] of names.entries()) {
    await metadata.store.putManifest(push(name, `m${i}`, { tags: [tag(`t${i}`)] }));
  }
  for (const [i, name] of names.entries()) {
    assert.deepEqual(await metadata.store.listTags(name, { limit: 10 }), [`t${i}`]);
    assert.equal(
      (await metadata.store.findManifest(name, byTag(`t${i}`)))?.digest,
      push(name, `m${i}`).digest,
    );
  }
});
