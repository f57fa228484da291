/** Scrubs many real files beside a server that answers, and looks whether it finds what is wrong with three of them. */
import assert from "node:assert/strict";
import { hash } from "node:crypto";
import type { Digest } from "../../src/core/digest.ts";
import { makeUploadSessionId } from "../../src/core/upload_session_id.ts";
import { blobFileOf, Layout } from "../../src/storage/files/layout.ts";
import { blobPath, changeDatabase, flipBit } from "../faults/damage.ts";
import { DataTrial } from "../faults/data_trial.ts";
import { captureCommand } from "../harness/run_command.ts";
import { randomBytes } from "../model/bytes.ts";
import { percentile } from "./percentile.ts";
import { megabytes, readProcessMemory } from "./process_memory.ts";

export interface ManyFiles {
  readonly count: number;
  /** Bytes of each. */
  readonly size: number;
}

/** Bytes that the process may hold at its worst. */
const MOST_MEMORY = 350e6;

const LONGEST_MS = 15 * 60_000;

/** @throws {AssertionError} when a scrub finds too little or too much, or holds up others; gives figures as text */
export async function checkScrubOfFiles(files: ManyFiles): Promise<string> {
  await using trial = await DataTrial.make();
  await trial.stop();
  const digests = writeBlobs(trial.rootDir, files);
  await trial.start();
  const probe = probeWhile(trial.registry.url);
  const started = performance.now();
  const sound = await scrub(trial);
  const seconds = (performance.now() - started) / 1000;
  const times = await probe.end();
  assert.equal(sound.code, 0, sound.stdout + sound.stderr);
  assert.match(sound.stdout, new RegExp(`^${files.count} blobs .* nothing wrong\n$`));
  const { peak } = await readProcessMemory(trial.registry.process.pid);
  const rate = files.count * files.size / seconds;
  const verdict =
    `${files.count} files of ${files.size} bytes in ${seconds.toFixed(1)} s, ${megabytes(rate)}/s, ` +
    `at most ${megabytes(peak)}; ${times.length} requests beside it: p99 ${
      percentile(times, 99).toFixed(1)
    } ms, ` +
    `longest ${Math.max(...times).toFixed(1)} ms`;
  assert.ok(peak < MOST_MEMORY, verdict);

  const [flipped, short, gone] = digests as [Digest, Digest, Digest];
  flipBit(blobPath(trial.rootDir, flipped), files.size - 1);
  await Deno.truncate(blobPath(trial.rootDir, short), files.size - 1);
  await Deno.remove(blobPath(trial.rootDir, gone));
  await Deno.writeTextFile(`${trial.rootDir}/blobs/sha256/00/stray`, "");
  const found = await scrub(trial, "--json");
  assert.equal(found.code, 1, found.stderr);
  const { findings } = JSON.parse(found.stdout);
  assert.equal(findings.length, 4, found.stdout);
  for (const digest of [flipped, short, gone]) assert.ok(found.stdout.includes(digest), digest);
  return verdict;
}

async function scrub(trial: DataTrial, ...args: string[]) {
  const words = await trial.words("scrub", "--rate", "0", ...args);
  return await captureCommand(words, { env: { NO_COLOR: "1" }, timeoutMs: LONGEST_MS });
}

/** Writes files and rows directly: each blob is held by one repository. */
function writeBlobs(rootDir: string, { count, size }: ManyFiles): readonly Digest[] {
  const layout = new Layout(rootDir);
  const session = makeUploadSessionId();
  const bytes = randomBytes(size);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const digests: Digest[] = [];
  for (let n = 0; n < count; n++) {
    view.setUint32(0, n);
    const digest = `sha256:${hash("sha256", bytes)}` as Digest;
    Deno.writeFileSync(layout.blob(blobFileOf(digest, session)), bytes);
    digests.push(digest);
  }
  changeDatabase(rootDir, (database) => {
    database.exec("PRAGMA synchronous = OFF; BEGIN");
    const now = Date.now();
    database.prepare("INSERT INTO repository (id, name, created_at) VALUES (1, 'many', ?)").run(now);
    const blob = database.prepare("INSERT INTO blob (digest, size, file, created_at) VALUES (?, ?, ?, ?)");
    const hold = database.prepare("INSERT INTO hold (repository, digest, announced_at) VALUES (1, ?, ?)");
    for (const digest of digests.toSorted()) {
      blob.run(digest, size, blobFileOf(digest, session), now);
      hold.run(digest, now);
    }
    database.exec("COMMIT");
  });
  return digests;
}

/** Asks again and again until it is ended; then gives the times of all answers, in ms. */
function probeWhile(url: string): { end(): Promise<readonly number[]> } {
  const times: number[] = [];
  let running = true;
  const work = (async () => {
    while (running) {
      const began = performance.now();
      const answer = await fetch(`${url}/v2/many/tags/list`);
      await answer.body?.cancel();
      assert.equal(answer.status, 200);
      times.push(performance.now() - began);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    async end() {
      running = false;
      await work;
      return times;
    },
  };
}
