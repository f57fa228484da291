/** Listings of the SQLite store: byte order, pages without gap or repetition, bounded answers. */
import assert from "node:assert/strict";
import type { Descriptor } from "../../src/core/descriptor.ts";
import type { Digest } from "../../src/core/digest.ts";
import { OCI_MANIFEST } from "../../src/core/media_type.ts";
import type { RepositoryName } from "../../src/core/repository_name.ts";
import type { Tag } from "../../src/core/tag.ts";
import { cheapest } from "../harness/cheapest.ts";
import { fakeDigest, push, repo, tag, TempStorage } from "./temp_storage.ts";

const A = repo("a");
const SUBJECT = fakeDigest(77);

/** All pages of a listing, joined. */
async function allPages<T extends string>(
  list: (page: { limit: number; after?: T }) => Promise<T[]>,
  limit: number,
): Promise<T[]> {
  const all: T[] = [];
  while (true) {
    const after = all.at(-1);
    const page = await list({ limit, ...(after !== undefined && { after }) });
    assert.ok(page.length <= limit);
    all.push(...page);
    if (page.length < limit) return all;
  }
}

Deno.test("listTags() pages in byte order: digits, upper case, _, lower case", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const names = ["a", "B", "_x", "0", "9.1", "9-1", "9_1", "V1", "v1", "v1-", "v1.", "v1_", "v10", "Z", "z"];
  await metadata.store.putManifest(push(A, "m", { tags: names.map(tag) }));
  await metadata.store.putManifest(push(repo("b"), "m", { tags: [tag("other")] }));
  const inOrder = [...names].sort((a, b) => a < b ? -1 : 1);
  assert.deepEqual(inOrder.slice(0, 5), ["0", "9-1", "9.1", "9_1", "B"]);
  for (const limit of [1, 2, 7, names.length, 1000]) {
    assert.deepEqual(await allPages<Tag>((page) => metadata.store.listTags(A, page), limit), inOrder);
  }
  assert.deepEqual(await metadata.store.listTags(A, { limit: 0 }), []);
  assert.deepEqual(
    await metadata.store.listTags(A, { limit: 2, after: tag("V0") }),
    ["V1", "Z"],
    "after need not exist",
  );
  assert.deepEqual(await metadata.store.listTags(A, { limit: 2, after: tag("zz") }), []);
  assert.deepEqual(await metadata.store.listTags(repo("none"), { limit: 10 }), []);
});

Deno.test("listRepositories() lists in byte order those that have a manifest", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const names = ["a", "a/b", "a-b", "a.b", "a_b", "b", "a0", "0/x"].map(repo);
  for (const name of names) await metadata.store.putManifest(push(name, "m"));
  await metadata.hold(repo("only-blobs"), fakeDigest(1));
  await metadata.start(repo("only-uploads"), 1);
  const inOrder = [...names].sort((a, b) => a < b ? -1 : 1);
  for (const limit of [1, 3, 100]) {
    assert.deepEqual(
      await allPages<RepositoryName>((page) => metadata.store.listRepositories(page), limit),
      inOrder,
    );
  }
  await metadata.store.deleteManifest(repo("b"), push(A, "m").digest, 1);
  assert.ok(!(await metadata.store.listRepositories({ limit: 100 })).includes(repo("b")));
});

Deno.test("listReferrers() gives the manifests about one subject, in order of digest, page by page, by type or all", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const expected: Descriptor[] = [];
  for (let i = 0; i < 20; i++) {
    const manifest = push(A, `referrer ${i}`, {
      subject: SUBJECT,
      ...(i % 4 > 0 && { artifactType: `type/${i % 4}` }),
      ...(i % 2 > 0 && { annotations: { n: `${i}`, __proto__x: "\u0000\ud83d" } }),
    });
    await metadata.store.putManifest(manifest);
    const { digest, mediaType, bytes, artifactType, annotations } = manifest;
    expected.push({
      mediaType,
      digest,
      size: bytes.length,
      ...(artifactType !== undefined && { artifactType }),
      ...(annotations !== undefined && { annotations }),
    });
  }
  await metadata.store.putManifest(push(A, "about another", { subject: fakeDigest(78) }));
  await metadata.store.putManifest(push(repo("b"), "elsewhere", { subject: SUBJECT }));
  await metadata.store.putManifest(push(A, "about none"));
  expected.sort((a, b) => a.digest < b.digest ? -1 : 1);
  const list = async (limit: number, artifactType?: string): Promise<Descriptor[]> => {
    const all: Descriptor[] = [];
    while (true) {
      const after = all.at(-1)?.digest;
      const page = await metadata.store.listReferrers(A, SUBJECT, {
        limit,
        ...(after !== undefined && { after }),
        ...(artifactType !== undefined && { artifactType }),
      });
      all.push(...page);
      if (page.length === 0) return all;
    }
  };
  for (const limit of [1, 3, 1000]) {
    assert.deepEqual(await list(limit), expected);
    for (const type of ["type/1", "type/3", "type/none"]) {
      assert.deepEqual(await list(limit, type), expected.filter(({ artifactType }) => artifactType === type));
    }
  }
});

Deno.test("a page of referrers ends when its annotations reach 256 KiB, and the next one goes on", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const digests: Digest[] = [];
  for (let i = 0; i < 10; i++) {
    const manifest = push(A, `referrer ${i}`, {
      subject: SUBJECT,
      annotations: { big: "x".repeat(75_000) },
    });
    await metadata.store.putManifest(manifest);
    digests.push(manifest.digest);
  }
  digests.sort();
  const first = await metadata.store.listReferrers(A, SUBJECT, { limit: 1000 });
  assert.deepEqual(first.map(({ digest }) => digest), digests.slice(0, 4));
  const second = await metadata.store.listReferrers(A, SUBJECT, { limit: 1000, after: first.at(-1)!.digest });
  assert.deepEqual(second.map(({ digest }) => digest), digests.slice(4, 8));
  // The page that ended early holds no read transaction: the log can be emptied.
  await metadata.store.putManifest(push(A, "one more"));
  assert.deepEqual({ ...metadata.database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get() }, {
    busy: 0,
    log: 0,
    checkpointed: 0,
  });
});

Deno.test("the type that a push names replaces the one before in the referrers", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const manifest = push(A, "m", { subject: SUBJECT, artifactType: "type/1" });
  await metadata.store.putManifest(manifest);
  const { artifactType: _, ...untyped } = manifest;
  await metadata.store.putManifest(untyped);
  assert.deepEqual(await metadata.store.listReferrers(A, SUBJECT, { limit: 9, artifactType: "type/1" }), []);
  assert.deepEqual(await metadata.store.listReferrers(A, SUBJECT, { limit: 9 }), [
    { mediaType: OCI_MANIFEST, digest: manifest.digest, size: 1 },
  ]);
});

Deno.test("a page of 1,000 of 100,000 tags takes milliseconds wherever it begins, and so does a delete among them", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const bulk = push(A, "bulk");
  const singles = Array.from({ length: 10 }, (_, i) => push(A, `single ${i}`, { tags: [tag(`zzz${i}`)] }));
  for (const manifest of [bulk, ...singles]) await metadata.store.putManifest(manifest);
  metadata.database.exec(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
      INSERT INTO tag (repository, name, digest, pushed_at, pulled_at) SELECT 1, 'tag-' || i, '${bulk.digest}', 1, NULL FROM n`);
  for (const after of ["", "tag-5", "tag-9999"]) {
    const page = { limit: 1000, ...(after && { after: tag(after) }) };
    const ms = await cheapest(() => metadata.store.listTags(A, page), 20);
    assert.ok(ms < 20, `a page after "${after}" took ${ms} ms`);
  }
  const deletion = await cheapest(() => metadata.store.deleteManifest(A, singles.pop()!.digest, 2), 20);
  assert.ok(deletion < 20, `the deletion took ${deletion} ms`);
});
