/** What the removing transaction itself looks at: it takes nothing that changed, and nothing that something leads to. */
import assert from "node:assert/strict";
import type { ManifestPush } from "../../src/ports/metadata_store.ts";
import { push, reference, repo, tag, type TempMetadata, TempStorage } from "./temp_storage.ts";

const A = repo("a");

async function open(...pushes: ManifestPush[]): Promise<TempMetadata & Disposable> {
  const storage = new TempStorage();
  const metadata = storage.openMetadata();
  for (const each of pushes) await metadata.store.putManifest(each);
  return Object.assign(Object.create({}), {
    database: metadata.database,
    store: metadata.store,
    inventory: metadata.inventory,
    rows: metadata.rows.bind(metadata),
    [Symbol.dispose]() {
      metadata[Symbol.dispose]();
      storage[Symbol.dispose]();
    },
  });
}

function asItWas({ digest, at }: ManifestPush, pulledAt?: number) {
  return { digest, pushedAt: at, pulledAt };
}

function remove(metadata: TempMetadata, ...manifests: ManifestPush[]): Promise<boolean> {
  return metadata.inventory.removeManifests({
    repository: A,
    manifests: manifests.map((each) => asItWas(each)),
    historySince: 500,
  });
}

const [subject, other] = [push(A, "subject"), push(A, "other")] as const;
const referrer = push(A, "referrer", { subject: subject.digest });
const index = push(A, "index", { references: [reference("child", subject.digest)] });

Deno.test("a manifest that nothing leads to is removed with its references and its bytes", async () => {
  using metadata = await open(index, other);
  assert.equal(await remove(metadata, index), true);
  assert.deepEqual(metadata.rows("SELECT manifest FROM manifest_reference"), []);
  assert.deepEqual(metadata.rows("SELECT digest FROM content"), [{ digest: other.digest }]);
});

for (
  const [what, pushes, group] of [
    ["a tag names", [{ ...other, tags: [tag("v1")] }], [other]],
    ["an index holds", [subject, index], [subject]],
    ["has a referrer", [subject, referrer], [subject]],
    ["refers to a subject that stays", [subject, referrer], [referrer]],
    ["stands in a group with one that a tag names", [subject, { ...referrer, tags: [tag("v1")] }], [
      subject,
      referrer,
    ]],
    ["was pushed again", [{ ...other, at: 1001 }], [other]],
    ["is not there", [subject], [other]],
  ] as readonly (readonly [string, readonly ManifestPush[], readonly ManifestPush[]])[]
) {
  Deno.test(`a manifest that ${what} is not removed, nor anything that was to go with it`, async () => {
    using metadata = await open(...pushes);
    assert.equal(await remove(metadata, ...group), false);
    assert.equal(metadata.rows("SELECT digest FROM manifest").length, pushes.length);
  });
}

Deno.test("manifests that lead to each other are removed together", async () => {
  using metadata = await open(subject, referrer, index);
  assert.equal(await remove(metadata, subject, referrer, index), true);
  assert.deepEqual(metadata.rows("SELECT digest FROM manifest"), []);
});

Deno.test("a manifest that a tag lost within the history is not removed, one that it lost before is", async () => {
  for (const [lostAt, removed] of [[500, false], [499, true]] as const) {
    using metadata = await open({ ...other, tags: [tag("v1")] });
    await metadata.store.deleteTag(A, tag("v1"), lostAt);
    assert.equal(await remove(metadata, other), removed);
  }
});

Deno.test("a manifest that was pulled since it was judged is not removed", async () => {
  using metadata = await open(other);
  const { digest } = other;
  await metadata.store.recordPulls([{ repository: A, digest, tag: undefined, client: "anna", at: 2000 }]);
  assert.equal(await remove(metadata, other), false);
  const group = { repository: A, manifests: [asItWas(other, 2000)], historySince: 0 };
  assert.equal(await metadata.inventory.removeManifests(group), true);
});

Deno.test("removeTags() takes the tags that are as they were, into the history, and says which", async () => {
  const tags = ["same", "moved", "again", "pulled"].map(tag);
  using metadata = await open({ ...other, tags });
  const [same, moved, again, pulled] = tags.map((name) => {
    return { tag: name, digest: other.digest, pushedAt: 1000, pulls: 0 };
  });
  await metadata.store.putManifest({ ...subject, tags: [tag("moved")], at: 1000 });
  await metadata.store.putManifest({ ...other, tags: [tag("again")], at: 1001 });
  await metadata.store.recordPulls([
    { repository: A, digest: other.digest, tag: tag("pulled"), client: "anna", at: 1 },
  ]);
  assert.deepEqual(await metadata.inventory.removeTags(A, [same!, moved!, again!, pulled!], 3000), ["same"]);
  const { pulls: _, ...withoutPulls } = pulled!;
  assert.deepEqual(await metadata.inventory.removeTags(A, [withoutPulls], 3000), ["pulled"]);
  assert.deepEqual(
    metadata.rows("SELECT tag, digest, previous FROM tag_history WHERE at = 3000 ORDER BY tag"),
    [
      { tag: "pulled", digest: null, previous: other.digest },
      { tag: "same", digest: null, previous: other.digest },
    ],
  );
  assert.deepEqual(await metadata.inventory.removeTags(repo("nothing"), [same!], 1), []);
});
