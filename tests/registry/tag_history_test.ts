/** The history of tags, and the way back. */
import assert from "node:assert/strict";
import { OciError } from "../../src/core/oci_error.ts";
import { pruneHistory } from "../../src/jobs/prune_history.ts";
import { NO_RULES } from "../../src/registry/repository_rules.ts";
import { listTagHistory, restoreTag } from "../../src/registry/tag_history.ts";
import { makeRealRegistry } from "../model/real_stores.ts";
import { fakeDigest, push, repo, tag } from "../storage/temp_storage.ts";

const A = repo("a");
const V1 = tag("v1");
const [ONE, TWO] = [push(A, "one", { tags: [V1] }), push(A, "two", { tags: [V1] })] as const;

function refusal(code: string, message: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof OciError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    return true;
  };
}

Deno.test("every move and deletion of a tag is in its history, newest first, and can be taken back", async () => {
  await using real = await makeRealRegistry();
  const { registry } = real;
  const { metadata } = registry;
  await metadata.putManifest({ ...ONE, at: 1 });
  await metadata.putManifest({ ...TWO, at: 2 });
  await metadata.putManifest({ ...TWO, at: 3 });
  await metadata.deleteTag(A, V1, 4);
  const history = await listTagHistory(registry, A, V1, { limit: 10 });
  assert.equal(history.current, undefined);
  assert.deepEqual(history.changes.map(({ digest, previous, at }) => [digest, previous, at]), [
    [undefined, TWO.digest, 4],
    [TWO.digest, ONE.digest, 2],
    [ONE.digest, undefined, 1],
  ]);
  assert.equal(await restoreTag(registry, A, V1, ONE.digest), undefined);
  assert.equal(await restoreTag(registry, A, V1, TWO.digest), ONE.digest);
  assert.equal((await metadata.findManifest(A, { kind: "tag", tag: V1 }))?.digest, TWO.digest);
  const page = await listTagHistory(registry, A, V1, { limit: 2 });
  const rest = await listTagHistory(registry, A, V1, { limit: 10, before: page.next! });
  assert.deepEqual([page.changes.length, rest.changes.length, rest.next], [2, 3, undefined]);
});

Deno.test("a tag is not restored to what it never named, nor to a manifest that was deleted since", async () => {
  await using real = await makeRealRegistry();
  const { registry } = real;
  await registry.metadata.putManifest(ONE);
  await registry.metadata.putManifest({ ...TWO, tags: [] });
  await assert.rejects(
    restoreTag(registry, A, V1, TWO.digest),
    refusal("MANIFEST_UNKNOWN", /does not hold that it named it/),
  );
  await assert.rejects(
    restoreTag(registry, A, V1, fakeDigest(1)),
    refusal("MANIFEST_UNKNOWN", /does not hold/),
  );
  await registry.metadata.putManifest(TWO);
  await registry.metadata.deleteManifest(A, ONE.digest, 9);
  await assert.rejects(
    restoreTag(registry, A, V1, ONE.digest),
    refusal("MANIFEST_UNKNOWN", /the manifest was deleted since; push it again$/),
  );
  await assert.rejects(
    listTagHistory(registry, A, tag("never"), { limit: 1 }),
    refusal("MANIFEST_UNKNOWN", /has no tag "never"/),
  );
});

Deno.test("an immutable tag is restored where it was deleted, and not moved", async () => {
  await using real = await makeRealRegistry();
  const registry = { ...real.registry, rulesOf: () => ({ ...NO_RULES, isImmutable: () => true }) };
  await registry.metadata.putManifest(ONE);
  await registry.metadata.putManifest(TWO);
  await assert.rejects(restoreTag(registry, A, V1, ONE.digest), refusal("DENIED", /immutable and names/));
  await registry.metadata.deleteTag(A, V1, 3);
  assert.equal(await restoreTag(registry, A, V1, ONE.digest), undefined);
});

Deno.test("a restore keeps to the quota of tags", async () => {
  await using real = await makeRealRegistry();
  const registry = { ...real.registry, rulesOf: () => ({ ...NO_RULES, quota: { tags: 1 } }) };
  await registry.metadata.putManifest(ONE);
  await registry.metadata.deleteTag(A, V1, 3);
  await registry.metadata.putManifest({ ...TWO, tags: [tag("v2")] });
  await assert.rejects(restoreTag(registry, A, V1, ONE.digest), refusal("DENIED", /1 of the 1 tags/));
});

Deno.test("what is older than tag_history is forgotten, and the rest can still be taken back", async () => {
  await using real = await makeRealRegistry();
  const { registry } = real;
  for (let n = 0; n < 5; n++) await registry.metadata.putManifest({ ...(n % 2 === 0 ? ONE : TWO), at: n });
  const pruned = await pruneHistory({
    metadata: registry.metadata,
    tagHistorySince: 3,
    pullHistorySince: 103,
  });
  assert.deepEqual(pruned, { changes: 3, pulls: 0 });
  const { changes } = await listTagHistory(registry, A, V1, { limit: 10 });
  assert.deepEqual(changes.map(({ at }) => at), [4, 3]);
  assert.equal(await restoreTag(registry, A, V1, TWO.digest), ONE.digest);
});
