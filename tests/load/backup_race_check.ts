/** Makes backups in the midst of pushes, mounts, deletes and five collections a second, and lets a scrub look through each. */
import assert from "node:assert/strict";
import { runCommand } from "../harness/run_command.ts";
import { registryProgram, startRegistry } from "../harness/start_registry.ts";
import { RaceClient, RaceTally } from "./collect_race_client.ts";

const CLIENTS = 8;

const CONFIG = `
[global]
tag_history = "0s"
[collect]
interval = "200ms"
grace = "2s"`;

/** Ways of a backup: shared with the data directory, copied, and shared with the backup before it. */
const WAYS = [[], ["--copy"], ["--copy", "--previous"]] as const;

/** @throws {AssertionError} for a backup in which a row names what is not there */
export async function checkBackupRace(rounds: number): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "backups-" });
  try {
    await using registry = await startRegistry({ tls: false, config: CONFIG });
    const tally = new RaceTally();
    const options = { url: registry.url, tally, promiseMs: 1750 };
    const clients = Array.from({ length: CLIENTS }, (_, client) => new RaceClient({ ...options, client }));
    let over = false;
    const load = Promise.all(clients.map(async (client) => {
      while (!over) await client.step();
    }));
    let previous: string | undefined;
    const blobs: number[] = [];
    try {
      // A hold begins to be old enough for a collection.
      await Promise.race([load, new Promise((resolve) => setTimeout(resolve, 3000))]);
      for (let round = 0; round < rounds; round++) {
        const directory = `${folder}/${round}`;
        const way = WAYS[round % WAYS.length]!.map((word) =>
          word === "--previous" ? `${word}=${previous}` : word
        );
        const made = await runProgram(
          registry.rootDir,
          folder,
          "export",
          "--backup",
          directory,
          "--json",
          ...way,
        );
        const report = JSON.parse(made);
        assert.equal(report.damaged, 0);
        assert.ok(report.blobs > 0);
        blobs.push(report.blobs);
        previous = directory;
      }
    } finally {
      over = true;
      await load;
    }
    for (let round = 0; round < rounds; round++) {
      // Exit code 1 where it finds anything.
      await runProgram(`${folder}/${round}`, folder, "scrub", "--rate", "0");
    }
    const collections = registry.logLines.filter((line) => line.includes('"garbage collected"')).length;
    assert.ok(
      collections > rounds && tally.deletes > 0,
      `${collections} collections, ${tally.deletes} deletes`,
    );
    return `${rounds} backups of ${Math.min(...blobs)} to ${
      Math.max(...blobs)
    } blobs beside ${tally.operations} operations ` +
      `(${tally.deletes} deletes) and ${collections} collections: a scrub finds nothing in any`;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function runProgram(rootDir: string, folder: string, ...args: string[]): Promise<string> {
  const config = `${folder}/config.toml`;
  await Deno.writeTextFile(config, `[blob_store.fs]\nroot_dir = ${JSON.stringify(rootDir)}\n`);
  const { stdout } = await runCommand([...await registryProgram(), "-c", config, ...args]);
  return stdout;
}
