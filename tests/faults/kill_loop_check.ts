/** A registry under load that is killed at random moments, and what must hold after each start. */
import assert from "node:assert/strict";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import { Layout } from "../../src/storage/files/layout.ts";
import { openForReading } from "../../src/storage/sqlite/open_database.ts";
import { startRegistry } from "../harness/start_registry.ts";
import { PushingClient } from "./kill_load.ts";

/**
 * Starts a registry on one data directory `cycles` times and kills it while `clients` push. After each start every
 * acknowledged write is read back and hashed, an upload goes on where it was, and files and rows agree.
 *
 * @returns one line for people: kills, acknowledged writes, the longest time from start to listening
 */
export async function killUnderLoad(
  { cycles, clients }: { cycles: number; clients: number },
): Promise<string> {
  const rootDir = await Deno.makeTempDir({ prefix: "killed-" });
  try {
    let [total, slowest] = [0, 0];
    for (let cycle = 0; cycle < cycles; cycle++) {
      // Clients of the cycle: what earlier ones pushed was read back then, and would make each check longer than the last.
      const pushing = Array.from(
        { length: clients },
        (_, i) => new PushingClient(`cycle-${cycle}/client-${i}`),
      );
      await using registry = await startRegistry({ rootDir, tls: false });
      const broken = Promise.all(pushing.map((client) => client.pushUntilKilled(registry.url)));
      await new Promise((resolve) => setTimeout(resolve, 200 + Math.random() * 1300));
      await registry.kill("SIGKILL");
      await broken;

      const started = performance.now();
      await using restarted = await startRegistry({ rootDir, tls: false });
      slowest = Math.max(slowest, performance.now() - started);
      for (const client of pushing) {
        await client.check(restarted.url);
        await client.finishUpload(restarted.url);
      }
      await restarted.stop();
      checkAgreement(rootDir);
      total += pushing.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
    }
    assert.ok(total > 0, "nothing was acknowledged in any cycle");
    return `${cycles} kills, ${total} acknowledged blobs and manifests, none lost; listening after ${
      Math.round(slowest)
    } ms at most`;
  } finally {
    await Deno.remove(rootDir, { recursive: true });
  }
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
