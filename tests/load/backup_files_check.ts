/** Backs up many real files beside a server that answers, and starts a server on the backup. */
import assert from "node:assert/strict";
import { DataTrial } from "../faults/data_trial.ts";
import { type ManyFiles, REPOSITORY, writeManyFiles } from "./many_files.ts";
import { describeTimes, probeWhile } from "./probe.ts";
import { megabytes, readProcessMemory } from "./process_memory.ts";

/** Bytes that the process may hold at its worst. */
const MOST_MEMORY = 350e6;

/** ms that a request may take beside a backup. */
const MOST_WAIT = 500;

const LONGEST_MS = 30 * 60_000;

/** @throws {AssertionError} when the backup is not what was there, or holds up others; gives figures as text */
export async function checkBackupOfFiles(files: ManyFiles, tell: (line: string) => void): Promise<string> {
  await using trial = await DataTrial.make("", LONGEST_MS);
  await trial.stop();
  const digests = writeManyFiles(trial.rootDir, files);
  await trial.start();
  const figures: string[] = [];
  const note = (line: string) => {
    figures.push(line);
    tell(line);
  };
  for (const [name, ...options] of [["first"], ["second", `--previous=${trial.path("first")}`]]) {
    const probe = probeWhile(`${trial.registry.url}/v2/${REPOSITORY}/tags/list`);
    const made = await run(trial, "export", "--backup", trial.path(name!), "--json", ...options);
    const times = await probe.end();
    const report = JSON.parse(made);
    const { blobs, damaged, linked, from_previous, copied, ms } = report;
    const shared = options.length === 0 ? [files.count, 0] : [0, files.count];
    assert.deepEqual([blobs, damaged, copied, linked, from_previous], [files.count, 0, 0, ...shared]);
    note(
      `${name} backup of ${files.count} files: ${(ms / 1000).toFixed(1)} s, database ${
        megabytes(report.database)
      }; ` +
        describeTimes(times),
    );
    assert.ok(Math.max(...times) < MOST_WAIT, figures.join("\n"));
  }
  const { peak } = await readProcessMemory(trial.registry.process.pid);
  note(`memory at most ${megabytes(peak)}`);
  assert.ok(peak < MOST_MEMORY, figures.join("\n"));

  await trial.stop();
  await Deno.remove(trial.rootDir, { recursive: true });
  await Deno.rename(trial.path("second"), trial.rootDir);
  const began = performance.now();
  await trial.start();
  note(`start on the backup: ${(performance.now() - began).toFixed(0)} ms`);
  const some = await trial.api.expect(200, "GET", `/v2/${REPOSITORY}/blobs/${digests[files.count >> 1]}`);
  assert.equal((await some.arrayBuffer()).byteLength, files.size);
  const scrubbed = performance.now();
  assert.match(
    await run(trial, "scrub", "--rate", "0"),
    new RegExp(`^${files.count} blobs .* nothing wrong\n$`),
  );
  note(`scrub of the backup: ${((performance.now() - scrubbed) / 1000).toFixed(0)} s, nothing wrong`);
  return figures.join("\n");
}

async function run(trial: DataTrial, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await trial.run(...args);
  assert.equal(code, 0, stdout + stderr);
  return stdout;
}
