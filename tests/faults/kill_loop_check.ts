/** A registry under load that is killed at random moments, and what must hold after each start. */
import assert from "node:assert/strict";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import { Layout } from "../../src/storage/files/layout.ts";
import { openForReading } from "../../src/storage/sqlite/open_database.ts";
import { startRegistry } from "../harness/start_registry.ts";
import { PushingClient } from "./kill_load.ts";

/**
 * Restarts through which a client goes on pushing, and as many more in which what it pushed is read back: a loss may show
 * only then. After that others take its place, or each check would be longer than the last.
 */
const RESTARTS = 10;

/**
 * Starts a registry on one data directory `cycles` times and kills it while `clients` push. After each start every
 * acknowledged write is read back and hashed, also those of earlier cycles, uploads go on where they were, and files and
 * rows agree.
 *
 * @returns one line for people: kills, acknowledged writes, the longest time from start to listening
 */
export async function killUnderLoad(
  { cycles, clients }: { cycles: number; clients: number },
): Promise<string> {
  const rootDir = await Deno.makeTempDir({ prefix: "killed-" });
  try {
    let [total, slowest] = [0, 0];
    let pushing: PushingClient[] = [];
    let former: PushingClient[] = [];
    for (let cycle = 0; cycle < cycles; cycle++) {
      if (cycle % RESTARTS === 0) {
        former = pushing;
        pushing = Array.from({ length: clients }, (_, i) => new PushingClient(`from-${cycle}/client-${i}`));
      }
      const before = acknowledgedBy(pushing);
      await using registry = await startRegistry({ rootDir, tls: false });
      const broken = Promise.all(pushing.map((client) => client.pushUntilKilled(registry.url)));
      await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 1200));
      await registry.kill("SIGKILL");
      await broken;
      const pushed = acknowledgedBy(pushing) - before;
      assert.ok(pushed > 0, "something was pushed in this cycle");
      total += pushed;

      const started = performance.now();
      await using restarted = await startRegistry({ rootDir, tls: false });
      slowest = Math.max(slowest, performance.now() - started);
      for (const client of former) await client.check(restarted.url);
      for (const client of pushing) {
        await client.check(restarted.url);
        await client.finishUpload(restarted.url);
      }
      await restarted.stop();
      checkAgreement(rootDir);
    }
    return `${cycles} kills, ${total} acknowledged blobs and manifests, none lost; listening after ${
      Math.round(slowest)
    } ms at most`;
  } finally {
    await Deno.remove(rootDir, { recursive: true });
  }
}

function acknowledgedBy(clients: readonly PushingClient[]): number {
  return clients.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
}

/** Every row has its file and every file its row: nothing is lost, and nothing is left behind. */
function checkAgreement(rootDir: string): void {
  const layout = new Layout(rootDir);
  const database = openForReading(layout.database);
  const sessions = database.prepare("SELECT id FROM upload_session ORDER BY id").all().map(({ id }) => id);
  const blobs = database.prepare("SELECT file, size FROM blob ORDER BY file").all() as {
    file: BlobFile;
    size: number;
  }[];
  database.close();
  assert.deepEqual([...Deno.readDirSync(layout.uploads)].map(({ name }) => name).sort(), sessions);
  const files = [...layout.blobFolders()].flatMap((folder) =>
    [...Deno.readDirSync(folder)].map(({ name }) => `${folder.slice(layout.blobs.length + 1)}/${name}`)
  );
  assert.deepEqual(files.sort(), blobs.map(({ file }) => file));
  for (const { file, size } of blobs) assert.equal(Deno.statSync(layout.blob(file)).size, size);
}
