/** A scrub that was stopped or killed goes on where it was, at the rate that it is given. */
import assert from "node:assert/strict";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import { JsonFile } from "../../src/storage/files/json_file.ts";
import { flipBit } from "../faults/damage.ts";
import { found, ScrubTrial } from "./scrub_trial.ts";

/** The files of a trial, which tell what is read and stop the scrub after some. */
function watched(trial: ScrubTrial, stop: AbortController, after: number) {
  const read: BlobFile[] = [];
  const files = new Proxy(trial.files, {
    get(target, name) {
      if (name === "hash") {
        return (...args: Parameters<typeof target.hash>) => {
          read.push(args[0]);
          if (read.length === after) stop.abort();
          return target.hash(...args);
        };
      }
      const value = target[name as keyof typeof target] as unknown;
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  return { files, read };
}

async function fill(trial: ScrubTrial, count: number): Promise<string> {
  const blobs = [];
  for (let i = 0; i < count; i++) blobs.push(await trial.pushBlob(100));
  const sorted = blobs.toSorted((a, b) => a.digest < b.digest ? -1 : 1);
  flipBit(trial.path(sorted[1]!.file), 0);
  return sorted[1]!.digest;
}

Deno.test("a stopped scrub goes on behind the last blob that it passed, with what it had found", async () => {
  using trial = new ScrubTrial();
  const damaged = await fill(trial, 20);
  const first = new AbortController();
  const before = watched(trial, first, 8);
  const stopped = await trial.scrub({ files: before.files, signal: first.signal });
  assert.deepEqual([stopped.complete, stopped.blobs], [false, 7]);
  const rest = watched(trial, new AbortController(), Infinity);
  const report = await trial.scrub({ files: rest.files });
  assert.deepEqual([report.complete, report.blobs, report.bytes], [true, 20, 2000]);
  assert.equal(report.startedAt, stopped.startedAt);
  assert.deepEqual(found(report), [`damaged ${damaged}`]);
  assert.equal(rest.read.length, 13, "only what was not passed before");
});

Deno.test("one that is told to begins anew, and so does the one after an end", async () => {
  using trial = new ScrubTrial();
  await fill(trial, 5);
  const stop = new AbortController();
  await trial.scrub({ files: watched(trial, stop, 3).files, signal: stop.signal });
  for (const restart of [true, false]) {
    const { files, read } = watched(trial, new AbortController(), Infinity);
    assert.equal((await trial.scrub({ files, restart })).blobs, 5);
    assert.equal(read.length, 5);
  }
});

Deno.test("a place that cannot be read, or is of another version, is a fresh beginning", async () => {
  using trial = new ScrubTrial();
  await fill(trial, 3);
  const path = trial.storage.layout.scrubState;
  for (const content of ["", "{", '{"version":99,"place":{"part":"nowhere"}}']) {
    await Deno.writeTextFile(path, content);
    assert.equal((await trial.scrub()).blobs, 3);
  }
  const { version, last, place } = await new JsonFile(path).read() as Record<string, unknown>;
  assert.deepEqual([version, typeof last, place], [1, "object", undefined]);
});

Deno.test("a scrub that is stopped in its last part repeats that part and counts nothing twice", async () => {
  using trial = new ScrubTrial();
  const damaged = await fill(trial, 3);
  await Deno.writeTextFile(`${trial.storage.layout.uploads}/stray`, "");
  const stop = new AbortController();
  const stopped = await trial.scrub({
    signal: stop.signal,
    progress({ what, done }) {
      if (what === "files" && done === 300) stop.abort();
    },
  });
  assert.equal(stopped.complete, false);
  const report = await trial.scrub();
  assert.deepEqual(found(report), [`damaged ${damaged}`, "stray uploads/stray"]);
  assert.deepEqual([report.blobs, report.counts.damaged, report.counts.stray], [3, 1, 1]);
});

Deno.test("the rate bounds how much is read in a time", async () => {
  using trial = new ScrubTrial();
  for (let i = 0; i < 4; i++) await trial.pushBlob(250_000);
  const started = performance.now();
  await trial.scrub({ rate: 1_000_000 });
  // The last piece need not be waited for.
  assert.ok(performance.now() - started >= 700);
});
