/** Pulls are gathered and written down together. */
import assert from "node:assert/strict";
import { PullCounter } from "../../src/registry/pull_counter.ts";
import { makeModelRegistry } from "../model/model_registry.ts";
import { fakeDigest, push, repo, tag, TempStorage } from "../storage/temp_storage.ts";

const A = repo("a");
const DIGEST = fakeDigest(1);
const V1 = tag("v1");

Deno.test("a client that asks for the same manifest several times within a few seconds has pulled it once", async () => {
  const { metadata, log } = makeModelRegistry();
  const counter = new PullCounter(metadata, log);
  for (const [client, which] of [["anna", V1], ["anna", V1], ["anna", undefined], ["ben", V1]] as const) {
    counter.note(A, DIGEST, which, client, 5);
  }
  assert.deepEqual(metadata.pulls, [], "nothing is written on the way");
  await counter.flush();
  assert.deepEqual(metadata.pulls.map(({ client, tag }) => [client, tag]), [
    ["anna", V1],
    ["anna", undefined],
    ["ben", V1],
  ]);
  await counter.flush();
  assert.equal(metadata.pulls.length, 3);
});

Deno.test("pulls are written down by themselves", async () => {
  const { metadata, log } = makeModelRegistry();
  const written = Promise.withResolvers<void>();
  metadata.recordPulls = () => Promise.resolve(written.resolve());
  new PullCounter(metadata, log, 1).note(A, DIGEST, V1, "anna", 5);
  await written.promise;
});

Deno.test("memory is bounded: of a flood of clients the first ten thousand count until they are written", async () => {
  const { metadata, log } = makeModelRegistry();
  const counter = new PullCounter(metadata, log);
  for (let n = 0; n < 25_000; n++) counter.note(A, DIGEST, V1, `client-${n}`, n);
  await counter.flush();
  assert.equal(metadata.pulls.length, 10_000);
});

Deno.test("pulls that cannot be written down are forgotten with a warning, and later ones are not", async () => {
  const { metadata, log, lines } = makeModelRegistry();
  const counter = new PullCounter(metadata, log);
  const record = metadata.recordPulls.bind(metadata);
  metadata.recordPulls = () => Promise.reject(new Error("no"));
  counter.note(A, DIGEST, V1, "anna", 5);
  await counter.flush();
  assert.deepEqual(lines.map(({ level, message }) => [level, message]), [[
    "warn",
    "pulls could not be written down",
  ]]);
  metadata.recordPulls = record;
  counter.note(A, DIGEST, V1, "anna", 6);
  await counter.flush();
  assert.equal(metadata.pulls.length, 1);
});

Deno.test("the store keeps time and number of pulls of tag and manifest, and the last time of each client", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const manifest = push(A, "m", { tags: [V1] });
  await metadata.store.putManifest(manifest);
  const pull = { repository: A, digest: manifest.digest, client: "anna" };
  await metadata.store.recordPulls([
    { ...pull, tag: V1, at: 50 },
    { ...pull, tag: undefined, at: 70 },
    { ...pull, tag: V1, client: "ben", at: 60 },
    { ...pull, tag: V1, at: 40 },
    { ...pull, digest: DIGEST, tag: tag("gone"), at: 90 },
    { ...pull, repository: repo("gone"), tag: V1, at: 90 },
  ]);
  assert.deepEqual(metadata.rows("SELECT pulled_at, pull_count FROM tag"), [{
    pulled_at: 60,
    pull_count: 3,
  }]);
  assert.deepEqual(metadata.rows("SELECT pulled_at, pull_count FROM manifest"), [{
    pulled_at: 70,
    pull_count: 4,
  }]);
  assert.deepEqual(metadata.rows("SELECT tag, client, at FROM pull ORDER BY at"), [
    { tag: "v1", client: "anna", at: 50 },
    { tag: "v1", client: "ben", at: 60 },
    { tag: "", client: "anna", at: 70 },
  ]);
  assert.equal(await metadata.store.prunePulls(60, 10), 1);
});

Deno.test("of each tag and manifest the last hundred clients are known, so that many addresses cannot fill the disk", async () => {
  using storage = new TempStorage();
  using metadata = storage.openMetadata();
  const manifest = push(A, "m", { tags: [V1, tag("v2")] });
  await metadata.store.putManifest(manifest);
  const pulls = Array.from({ length: 500 }, (_, n) => ({
    repository: A,
    digest: manifest.digest,
    tag: V1,
    client: `client-${n}`,
    at: 1000 + n,
  }));
  await metadata.store.recordPulls([{ ...pulls[0]!, tag: tag("v2") }, ...pulls]);
  assert.deepEqual(
    metadata.rows("SELECT tag, count(*) AS n, min(at) AS oldest FROM pull GROUP BY tag ORDER BY tag"),
    [
      { tag: "v1", n: 100, oldest: 1400 },
      { tag: "v2", n: 1, oldest: 1000 },
    ],
  );
  assert.deepEqual(metadata.rows("SELECT pull_count FROM tag ORDER BY name"), [{ pull_count: 500 }, {
    pull_count: 1,
  }]);
});
