/** Random lives of a registry: nothing goes that something leads to, everything else goes, and all is counted right. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Digest } from "../../src/core/digest.ts";
import { manifestOf } from "./contents.ts";
import type { RepositoryModel } from "./model.ts";
import { type Step, STEPS } from "./steps.ts";
import { HOUR, MINUTE, REPOSITORIES, TIMES, World } from "./world.ts";

/** Shorter than every age that counts, so that a server which forgot all of it would never remove anything. */
const LIFE = 40 * MINUTE;

/** ms for a life on the average, at the most. */
const LONGEST_LIFE = 10_000;

/** @throws {AssertionError} with the shortest life that goes wrong; gives what happened as text */
export async function checkLifetimes(lives: number, steps: number): Promise<string> {
  const sum = { steps: 0, collected: 0, retention: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(STEPS, { minLength: steps / 2, maxLength: steps }), async (life) => {
      using world = new World();
      await live(world, life);
      await settle(world);
      sum.steps += life.length;
      sum.collected += world.taken.collected;
      sum.retention += world.taken.retention;
    }),
    // A life that goes wrong is made shorter for a while, and then told as it is.
    { numRuns: lives, interruptAfterTimeLimit: lives * LONGEST_LIFE, markInterruptAsFailure: true },
  );
  assert.ok(sum.collected > lives && sum.retention > lives / 2, JSON.stringify(sum));
  return `${lives} lives of ${sum.steps} steps: collections took ${sum.collected} things, retention ${sum.retention}`;
}

async function live(world: World, life: readonly Step[]): Promise<void> {
  for (const step of life) {
    await step.run(world);
    await checkContent(world);
  }
}

/** All is there that must be, and nothing that nobody knows of. */
async function checkContent(world: World): Promise<void> {
  const { metadata } = world;
  for (const [repository, model] of world.models) {
    assert.deepEqual(await metadata.store.readUsage(repository), model.usage);
    const of = (sql: string) =>
      metadata.rows(`${sql} WHERE repository = (SELECT id FROM repository WHERE name = ?)`, repository);
    const digests = (table: string) => of(`SELECT digest FROM ${table}`).map(({ digest }) => digest).sort();
    assert.deepEqual(digests("hold"), [...model.holds.keys()].sort());
    assert.deepEqual(digests("manifest"), [...model.manifests.keys()].sort());
    const tags = of("SELECT name, digest FROM tag").map(({ name, digest }) => `${name} ${digest}`).sort();
    assert.deepEqual(tags, [...model.tags].map((tag) => tag.join(" ")).sort());
    for (const digest of model.holds.keys()) {
      const blob = await metadata.store.findBlob(repository, digest);
      assert.ok(await world.registry.blobs.isWhole(blob!.file, blob!.size), `${digest} has no file`);
    }
    for (const digest of model.manifests.keys()) {
      const found = await metadata.store.findManifest(repository, { kind: "digest", digest });
      assert.deepEqual(found?.bytes, manifestOf.get(digest)!.bytes);
    }
  }
  const held = new Set([...world.models.values()].flatMap(({ holds }) => [...holds.keys()]));
  assert.deepEqual(
    metadata.rows("SELECT digest FROM blob ORDER BY digest").map(({ digest }) => digest),
    [...held].sort(),
  );
  assert.equal(world.storage.listBlobFiles().length, held.size, "a file for each blob, and no other");
  const { blobs, manifests, tags } = await metadata.inventory.readTotals();
  const sum = (of: "manifests" | "tags") =>
    [...world.models.values()].reduce((total, { usage }) => total + usage[of], 0);
  assert.deepEqual({ blobs, manifests, tags }, {
    blobs: held.size,
    manifests: sum("manifests"),
    tags: sum("tags"),
  });
}

/** Nobody does anything any more, and the server never lives for long: all goes that nothing leads to. */
async function settle(world: World): Promise<void> {
  // A clock that was set back keeps what was written before until it has caught up.
  world.setClock(world.farthestAhead);
  for (let ran = 0; ran < TIMES.history + 3 * TIMES.grace + HOUR; ran += LIFE) {
    await world.pass(LIFE);
    world.restart(MINUTE);
    await world.runJobs();
  }
  await checkContent(world);
  for (const repository of REPOSITORIES) checkNothingIsLeft(world, world.model(repository));
  assert.deepEqual(world.storage.listUploadFiles(), []);
  assert.deepEqual(world.metadata.rows("SELECT id FROM upload_session"), []);
  const contents = new Set([...world.models.values()].flatMap(({ manifests }) => [...manifests.keys()]));
  assert.equal(world.metadata.rows("SELECT id FROM content").length, contents.size);
}

function checkNothingIsLeft(world: World, model: RepositoryModel): void {
  const needed = model.keptByCollection(world.ran, TIMES);
  const digests = (map: ReadonlyMap<Digest, unknown>) => [...map.keys()].sort();
  assert.deepEqual(digests(model.manifests), [...needed].sort(), "orphaned referrers are left");
  assert.deepEqual(
    digests(model.holds),
    digests(model.holds).filter((blob) => model.needs(blob)),
    "blobs are left",
  );
}
