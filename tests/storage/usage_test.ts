/** What repositories hold is counted by the database, and never drifts from what is there. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { DatabaseSync } from "node:sqlite";
import { fakeDigest, push, reference, repo, tag, type TempMetadata, TempStorage } from "./temp_storage.ts";

const REPOSITORIES = ["a", "b"].map(repo);
const MANIFESTS = ["one", "two", "three"].map((text) => push(REPOSITORIES[0]!, text));

const COUNTED =
  "SELECT name, blob_bytes, manifest_bytes, blobs, manifests, tags FROM repository ORDER BY name";

/** The same from the rows themselves. */
const RECOUNTED = `
  SELECT name,
    (SELECT coalesce(sum(b.size), 0) FROM hold h JOIN blob b ON b.digest = h.digest WHERE h.repository = r.id) AS blob_bytes,
    (SELECT coalesce(sum(size), 0) FROM manifest WHERE repository = r.id) AS manifest_bytes,
    (SELECT count(*) FROM hold WHERE repository = r.id) AS blobs,
    (SELECT count(*) FROM manifest WHERE repository = r.id) AS manifests,
    (SELECT count(*) FROM tag WHERE repository = r.id) AS tags
  FROM repository r ORDER BY name`;

const RECOUNTED_TOTALS = `
  SELECT 1 AS id,
    (SELECT count(*) FROM repository) AS repositories,
    (SELECT count(*) FROM manifest) AS manifests,
    (SELECT count(*) FROM tag) AS tags,
    (SELECT count(*) FROM blob) AS blobs,
    (SELECT coalesce(sum(size), 0) FROM blob) AS blob_bytes,
    (SELECT count(*) FROM upload_session) AS uploads`;

function assertCounted(database: DatabaseSync): void {
  const rows = (sql: string) => database.prepare(sql).all().map((row) => ({ ...row }));
  assert.deepEqual(rows(COUNTED), rows(RECOUNTED));
  assert.deepEqual(rows("SELECT * FROM total"), rows(RECOUNTED_TOTALS));
}

type Step = (metadata: TempMetadata) => Promise<unknown>;
const repository = fc.constantFrom(...REPOSITORIES);
const blob = fc.integer({ min: 1, max: 4 });
const manifest = fc.constantFrom(...MANIFESTS);
const name = fc.constantFrom(...["v1", "v2"].map(tag));
const step: fc.Arbitrary<Step> = fc.oneof(
  // A blob whose size was written down wrongly and is pushed again.
  fc.tuple(repository, blob, fc.boolean()).map(([to, n, odd]): Step => (metadata) =>
    metadata.hold(to, fakeDigest(n), n * 10 + (odd ? 1 : 0), 1000 + n)
  ),
  fc.tuple(repository, repository, blob).map(([to, from, n]): Step => ({ store }) =>
    store.mountBlob({ repository: to, from, digest: fakeDigest(n), at: 1 })
  ),
  fc.tuple(repository, blob).map(([from, n]): Step => ({ store }) => store.deleteBlob(from, fakeDigest(n))),
  fc.tuple(repository, manifest, fc.uniqueArray(name), blob).map(
    ([to, pushed, tags, n]): Step => ({ store }) =>
      store.putManifest({
        ...pushed,
        repository: to,
        tags,
        references: [reference("layer", fakeDigest(n), n * 10)],
        requireBlobs: false,
      }),
  ),
  fc.tuple(repository, name).map(([from, which]): Step => ({ store }) => store.deleteTag(from, which, 1)),
  fc.tuple(repository, manifest).map(([from, { digest }]): Step => ({ store }) =>
    store.deleteManifest(from, digest, 1)
  ),
  fc.tuple(repository, name, manifest).map(([to, which, { digest }]): Step => ({ store }) =>
    store.restoreTag({ repository: to, tag: which, digest, immutable: false, at: 1 })
  ),
  // What a collection does to the rows, in one statement each.
  fc.constant<Step>((metadata) =>
    Promise.resolve(metadata.database.exec(`
      DELETE FROM hold WHERE NOT EXISTS (
        SELECT 1 FROM manifest_reference r WHERE r.repository = hold.repository AND r.digest = hold.digest);
      DELETE FROM blob WHERE NOT EXISTS (SELECT 1 FROM hold WHERE hold.digest = blob.digest)`))
  ),
);

Deno.test("after any sequence of pushes, mounts, moves, deletes and collections the counts are those of the rows", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 50 }), async (steps) => {
      using storage = new TempStorage();
      using metadata = storage.openMetadata();
      for (const run of steps) await run(metadata);
      assertCounted(metadata.database);
    }),
    { numRuns: 100 },
  );
});

Deno.test("a database of before there were counts is counted when it is opened", async () => {
  using storage = new TempStorage();
  {
    using metadata = storage.openMetadata();
    const [a] = REPOSITORIES as [ReturnType<typeof repo>];
    await metadata.hold(a, fakeDigest(1), 10);
    await metadata.store.putManifest({ ...MANIFESTS[0]!, tags: [tag("v1")] });
    // As the first version left it.
    metadata.database.exec(`
      UPDATE repository SET blob_bytes = 0, manifest_bytes = 0, blobs = 0, manifests = 0, tags = 0;
      DROP TRIGGER count_hold; DROP TRIGGER discount_hold; DROP TRIGGER recount_blob; DROP TRIGGER count_manifest;
      DROP TRIGGER discount_manifest; DROP TRIGGER count_tag; DROP TRIGGER discount_tag;
      DROP TRIGGER total_repositories_up; DROP TRIGGER total_repositories_down; DROP TRIGGER total_manifests_up;
      DROP TRIGGER total_manifests_down; DROP TRIGGER total_tags_up; DROP TRIGGER total_tags_down;
      DROP TRIGGER total_uploads_up; DROP TRIGGER total_uploads_down; DROP TRIGGER total_blobs_up;
      DROP TRIGGER total_blobs_down; DROP TRIGGER total_blobs_resized; DROP TABLE total;
      DROP TABLE small_blob; ALTER TABLE upload_session DROP COLUMN has_file;
      DROP TABLE gone_subject; DROP TABLE collect_record;
      DROP INDEX upload_session_of_repository; DROP TABLE pull; DROP INDEX tag_history_by_time; DROP INDEX tag_history_by_previous;
      ALTER TABLE tag DROP COLUMN pull_count;
      ALTER TABLE manifest DROP COLUMN pulled_at; ALTER TABLE manifest DROP COLUMN pull_count;
      ALTER TABLE repository DROP COLUMN blob_bytes; ALTER TABLE repository DROP COLUMN manifest_bytes;
      ALTER TABLE repository DROP COLUMN blobs; ALTER TABLE repository DROP COLUMN manifests;
      ALTER TABLE repository DROP COLUMN tags; PRAGMA user_version = 1`);
  }
  using metadata = storage.openMetadata();
  assertCounted(metadata.database);
  assert.deepEqual(metadata.reader.readUsage(REPOSITORIES[0]!), {
    blobBytes: 10,
    manifestBytes: 3,
    blobs: 1,
    manifests: 1,
    tags: 1,
  });
});
