/** Lets many clients push, mount and delete while garbage is collected five times a second. */
import assert from "node:assert/strict";
import { openForReading } from "../../src/storage/sqlite/open_database.ts";
import { Layout } from "../../src/storage/files/layout.ts";
import { type RunningRegistry, startRegistry } from "../harness/start_registry.ts";
import { RaceClient, RaceTally } from "./collect_race_client.ts";

const CLIENTS = 16;

/** Written down anew after an eighth of the grace, a told blob is there for the other seven. */
const GRACE_MS = 2000;
const PROMISE_MS = GRACE_MS * 7 / 8;

const CONFIG = `
[global]
tag_history = "0s"
[collect]
interval = "200ms"
grace = "2s"`;

/** @throws {AssertionError} for a blob that was told and is gone, and for garbage that stays */
export async function checkCollectRace(operations: number): Promise<string> {
  await using registry = await startRegistry({ tls: false, config: CONFIG });
  const tally = new RaceTally();
  const clients = Array.from(
    { length: CLIENTS },
    (_, client) => new RaceClient({ url: registry.url, client, tally, promiseMs: PROMISE_MS }),
  );
  const started = performance.now();
  await Promise.all(clients.map(async (client) => {
    while (tally.operations < operations) await client.step();
  }));
  const seconds = (performance.now() - started) / 1000;
  for (const client of clients) {
    for (const image of client.images) await client.check(image);
  }
  const collected = sumOfRuns(registry);
  assert.ok(collected.hold > 0 && collected.blob > 0 && collected.referrer > 0, JSON.stringify(collected));
  assert.ok(tally.tooLate <= tally.pushes / 10, `${tally.tooLate} pushes were too slow to tell anything`);
  await checkNothingIsLeft(registry, clients);
  return `${tally.operations} operations (${tally.requests} requests) of ${CLIENTS} clients in ${
    seconds.toFixed(1)
  } s: ${tally.pushes} manifests pushed, ` +
    `${tally.mounts} mounts, ${tally.found} blobs found, ${tally.deletes} deletes; beside ${collected.runs} collections of ` +
    `${collected.hold} holds, ${collected.blob} blobs, ${collected.referrer} referrers: nothing lost, nothing left; ` +
    `${tally.tooLate} pushes over ${PROMISE_MS} ms refused, slowest ${Math.round(tally.slowestPushMs)} ms`;
}

function sumOfRuns({ logLines }: RunningRegistry) {
  const sum = { runs: 0, hold: 0, blob: 0, referrer: 0 };
  for (const line of logLines) {
    if (!line.includes('"garbage collected"')) continue;
    const { hold, blob, referrer } = JSON.parse(line);
    sum.runs++;
    sum.hold += hold;
    sum.blob += blob;
    sum.referrer += referrer;
  }
  return sum;
}

/** Waits until the disk and the database hold what the images need, and nothing else. */
async function checkNothingIsLeft(registry: RunningRegistry, clients: readonly RaceClient[]): Promise<void> {
  const images = clients.flatMap((client) => client.images);
  const needed = new Set(images.flatMap(({ blobs }) => blobs.map(({ digest }) => digest)));
  for (const { referrers } of images) {
    for (const { bytes } of referrers) needed.add(JSON.parse(new TextDecoder().decode(bytes)).config.digest);
  }
  const manifests = images.reduce((sum, { referrers }) => sum + 1 + referrers.length, 0);
  const layout = new Layout(registry.rootDir);
  const database = openForReading(layout.database);
  try {
    const count = (table: string) => Number(database.prepare(`SELECT count(*) AS n FROM ${table}`).get()!.n);
    const left = () => ({
      files: [...layout.blobFolders()].reduce((sum, folder) => sum + [...Deno.readDirSync(folder)].length, 0),
      small: count("small_blob"),
      blobs: count("blob"),
      manifests: count("manifest"),
      contents: count("content"),
      uploads: [...Deno.readDirSync(layout.uploads)].length,
    });
    for (const deadline = Date.now() + 90_000;;) {
      const now = left();
      const files = needed.size - now.small;
      const expected = {
        files,
        small: now.small,
        blobs: needed.size,
        manifests,
        contents: manifests,
        uploads: 0,
      };
      if (JSON.stringify(now) === JSON.stringify(expected)) break;
      if (Date.now() > deadline) assert.deepEqual(now, expected);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    const unneeded = database.prepare(`
      SELECT count(*) AS n FROM hold h WHERE NOT EXISTS
        (SELECT 1 FROM manifest_reference f WHERE f.repository = h.repository AND f.digest = h.digest)`);
    assert.equal(unneeded.get()!.n, 0);
  } finally {
    database.close();
  }
  for (const client of clients) {
    for (const image of client.images) await client.check(image);
  }
}
