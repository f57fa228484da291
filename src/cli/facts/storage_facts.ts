/** What the data directory holds and what room it has, at most once in a few seconds. */
import { statfs } from "node:fs/promises";
import type { Inventory } from "../../ports/inventory.ts";
import type { Metrics } from "../../ports/metrics.ts";
import type { Layout } from "../../storage/files/layout.ts";
import type { Look } from "./scrape.ts";

/** ms for which what was found is shown again. */
const FRESH_MS = 5000;

/** SQLite's files: the database and its write-ahead log. */
const DATABASE_SUFFIXES = ["", "-wal"];

/** Gauges of the store, set anew by the look that is given back. */
export function watchStorage(metrics: Metrics, inventory: Inventory, layout: Layout): Look {
  let lookedAt = -Infinity;
  return async () => {
    const now = performance.now();
    if (now - lookedAt < FRESH_MS) return;
    lookedAt = now;
    await Promise.allSettled([
      setTotals(metrics, inventory),
      setRoom(metrics, layout.rootDir),
      setDatabaseSize(metrics, layout.database),
    ]);
  };
}

async function setTotals(metrics: Metrics, inventory: Inventory): Promise<void> {
  const { repositories, manifests, tags, blobs, blobBytes, uploads } = await inventory.readTotals();
  metrics.gauge("storage_repositories", {}).set(repositories);
  metrics.gauge("storage_manifests", {}).set(manifests);
  metrics.gauge("storage_tags", {}).set(tags);
  metrics.gauge("storage_blobs", {}).set(blobs);
  metrics.gauge("storage_blob_bytes", {}).set(blobBytes);
  metrics.gauge("storage_uploads_open", {}).set(uploads);
}

async function setRoom(metrics: Metrics, rootDir: string): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(rootDir);
  metrics.gauge("storage_disk_free_bytes", {}).set(bavail * bsize);
  metrics.gauge("storage_disk_size_bytes", {}).set(blocks * bsize);
}

async function setDatabaseSize(metrics: Metrics, database: string): Promise<void> {
  const sizes = await Promise.all(DATABASE_SUFFIXES.map(async (suffix) => {
    return (await Deno.stat(`${database}${suffix}`)).size;
  }));
  metrics.gauge("storage_database_bytes", {}).set(sizes.reduce((sum, size) => sum + size));
}
