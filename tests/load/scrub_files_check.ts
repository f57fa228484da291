/** Scrubs many real files beside a server that answers, and looks whether it finds what is wrong with three of them. */
import assert from "node:assert/strict";
import type { Digest } from "../../src/core/digest.ts";
import { blobPath, flipBit } from "../faults/damage.ts";
import { DataTrial } from "../faults/data_trial.ts";
import { type ManyFiles, REPOSITORY, writeManyFiles } from "./many_files.ts";
import { describeTimes, probeWhile } from "./probe.ts";
import { megabytes, readProcessMemory } from "./process_memory.ts";

/** Bytes that the process may hold at its worst. */
const MOST_MEMORY = 350e6;

const LONGEST_MS = 15 * 60_000;

/** @throws {AssertionError} when a scrub finds too little or too much, or holds up others; gives figures as text */
export async function checkScrubOfFiles(files: ManyFiles): Promise<string> {
  await using trial = await DataTrial.make("", LONGEST_MS);
  await trial.stop();
  const digests = writeManyFiles(trial.rootDir, files);
  await trial.start();
  const probe = probeWhile(`${trial.registry.url}/v2/${REPOSITORY}/tags/list`);
  const started = performance.now();
  const sound = await trial.run("scrub", "--rate", "0");
  const seconds = (performance.now() - started) / 1000;
  const times = await probe.end();
  assert.equal(sound.code, 0, sound.stdout + sound.stderr);
  assert.match(sound.stdout, new RegExp(`^${files.count} blobs .* nothing wrong\n$`));
  const { peak } = await readProcessMemory(trial.registry.process.pid);
  const rate = files.count * files.size / seconds;
  const verdict =
    `${files.count} files of ${files.size} bytes in ${seconds.toFixed(1)} s, ${megabytes(rate)}/s, ` +
    `at most ${megabytes(peak)}; ${describeTimes(times)}`;
  assert.ok(peak < MOST_MEMORY, verdict);

  const [flipped, short, gone] = digests as [Digest, Digest, Digest];
  flipBit(blobPath(trial.rootDir, flipped), files.size - 1);
  await Deno.truncate(blobPath(trial.rootDir, short), files.size - 1);
  await Deno.remove(blobPath(trial.rootDir, gone));
  await Deno.writeTextFile(`${trial.rootDir}/blobs/sha256/00/stray`, "");
  const found = await trial.run("scrub", "--rate", "0", "--json");
  assert.equal(found.code, 1, found.stderr);
  const { findings } = JSON.parse(found.stdout);
  assert.equal(findings.length, 4, found.stdout);
  for (const digest of [flipped, short, gone]) assert.ok(found.stdout.includes(digest), digest);
  return verdict;
}
