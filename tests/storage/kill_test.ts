/** A registry that is killed at any moment has every write that it acknowledged. */
import assert from "node:assert/strict";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import { Layout } from "../../src/storage/files/layout.ts";
import { openForReading } from "../../src/storage/sqlite/open_database.ts";
import { startRegistry } from "../harness/start_registry.ts";
import { PushingClient } from "./kill_load.ts";

const CYCLES = 5;

Deno.test(`${CYCLES} times killed under load: every acknowledged blob, manifest and tag is there, uploads go on`, async () => {
  const rootDir = await Deno.makeTempDir({ prefix: "killed-" });
  const clients = Array.from({ length: 4 }, (_, i) => new PushingClient(`client-${i}`));
  try {
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const before = clients.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
      await using registry = await startRegistry({ rootDir, tls: false });
      const pushing = Promise.all(clients.map((client) => client.pushUntilKilled(registry.url)));
      await new Promise((resolve) => setTimeout(resolve, 300 + Math.random() * 1200));
      await registry.kill("SIGKILL");
      await pushing;
      const after = clients.reduce((sum, { acknowledged }) => sum + acknowledged, 0);
      assert.ok(after > before, "something was pushed in this cycle");

      await using restarted = await startRegistry({ rootDir, tls: false });
      for (const client of clients) {
        await client.check(restarted.url);
        await client.finishUpload(restarted.url);
      }
      await restarted.stop();
      checkAgreement(rootDir);
    }
  } finally {
    await Deno.remove(rootDir, { recursive: true });
  }
});

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
