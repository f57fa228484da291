/** Tells whether a long run is flat: what it takes at its end is what it took in the middle. */
import assert from "node:assert/strict";
import { percentile } from "./percentile.ts";
import { sumOf } from "./kept_memory.ts";
import { megabytes } from "./process_memory.ts";

/** By how much the memory at rest may grow from the middle of the run to its end, in bytes: the engine gives back when it likes. */
const MOST_GROWTH = 40e6;
/**
 * By how much what all threads keep may grow, in bytes. That is the least that was seen of each, when most of the garbage was
 * just collected.
 */
const MOST_KEPT_GROWTH = 10e6;

export interface Sample {
  /** s since the start. */
  readonly at: number;
  readonly rss: number;
  readonly files: number;
  /** ms of the reads since the last sample. */
  readonly p50: number;
  readonly p99: number;
  /** Bytes of objects and their buffers, by thread. */
  readonly kept: ReadonlyMap<string, number>;
}

/** One half of the run. */
export interface Part {
  readonly samples: readonly Sample[];
  /** Bytes, after a rest. */
  readonly atRest: number;
}

/**
 * What there is to say of two halves, of which the first is given a third of its time to warm up.
 *
 * @param rested whether the run was so long that memory was looked at after a rest; only then it says something
 * @throws {AssertionError} when the second half takes more than the first, or more time
 */
export function judgeFlatness([first, second]: readonly Part[], rested: boolean): string {
  const early = first!.samples.slice(Math.ceil(first!.samples.length / 3));
  const late = second!.samples;
  const files = [early, late].map((part) => Math.max(...part.map(({ files }) => files)));
  const p99 = [early, late].map((part) => percentile(part.map(({ p99 }) => p99), 50));
  const memory = [early, late].map((part) => percentile(part.map(({ rss }) => rss), 50));
  const kept = [early, late].map(leastKept);
  const verdict = `memory ${megabytes(memory[0]!)} then ${megabytes(memory[1]!)}, at rest ` +
    `${megabytes(first!.atRest)} then ${megabytes(second!.atRest)}, descriptors at most ${files[0]} then ${
      files[1]
    }, ` +
    `p99 ${p99[0]!.toFixed(1)} then ${p99[1]!.toFixed(1)} ms, kept ` +
    [...kept[0]!].map(([thread, bytes]) => {
      return `${thread} ${megabytes(bytes)} then ${megabytes(kept[1]!.get(thread) ?? 0)}`;
    }).join(", ");
  assert.ok(files[1]! <= files[0]! + 10, `descriptors grow: ${verdict}`);
  assert.ok(p99[1]! <= 1.5 * p99[0]! + 20, `reads become slower: ${verdict}`);
  if (rested) assert.ok(sumOf(kept[1]!) <= sumOf(kept[0]!) + MOST_KEPT_GROWTH, `more is kept: ${verdict}`);
  if (rested) assert.ok(second!.atRest <= first!.atRest + MOST_GROWTH, `memory grows: ${verdict}`);
  return verdict;
}

/** The least that each thread was seen to keep. */
function leastKept(samples: readonly Sample[]): Map<string, number> {
  const least = new Map<string, number>();
  for (const { kept } of samples) {
    for (const [thread, bytes] of kept) least.set(thread, Math.min(bytes, least.get(thread) ?? Infinity));
  }
  return least;
}
