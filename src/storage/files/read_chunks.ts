/** Reads a part of a file in chunks that fit the pace of whoever takes them, in two buffers that are used again. */

/**
 * Bytes of a chunk. A client that takes a day for its layer holds the smallest in memory; for a fast one the next chunk is
 * read while the last is sent. New buffers for each chunk would cost a third of the throughput.
 */
const SMALLEST = 64 * 1024;
const LARGEST = 1024 * 1024;
const GROWTH = 4;

/** ms within which a taker that is called fast comes back for the next chunk. */
const FAST_MS = 250;

/**
 * The bytes from `start` up to, not including, `end`. A chunk is good until the next one is asked for; then its buffer is
 * written over. Close the file only when the iteration has ended or was left.
 *
 * @throws when the file ends early or cannot be read
 */
export async function* readChunks(file: Deno.FsFile, start: number, end: number): AsyncGenerator<Uint8Array> {
  await file.seek(start, Deno.SeekMode.Start);
  const buffers: Uint8Array[] = [];
  let size = SMALLEST;
  let left = end - start;
  const readNext = (): Promise<Uint8Array> => {
    const [older, newer] = buffers.length < 2 ? [undefined, buffers[0]] : buffers;
    const buffer = older?.length === size ? older : new Uint8Array(size);
    buffers.splice(0, 2, ...(newer === undefined ? [buffer] : [newer, buffer]));
    return readExactly(file, buffer.subarray(0, Math.min(size, left)), end, left);
  };
  let ahead: Promise<Uint8Array> | undefined;
  try {
    while (left > 0) {
      const chunk: Uint8Array = await (ahead ?? readNext());
      ahead = undefined;
      left -= chunk.length;
      if (left > 0 && size > SMALLEST) {
        ahead = readNext();
        // Whoever asks for it hears of it; until then, or if nobody does, it is no fault of this thread.
        ahead.catch(() => {});
      }
      const given = performance.now();
      yield chunk;
      const isFast = performance.now() - given < FAST_MS;
      size = isFast ? Math.min(size * GROWTH, LARGEST) : SMALLEST;
      if (!isFast) buffers.length = 0;
    }
  } finally {
    await ahead?.catch(() => {});
  }
}

/** Fills `target` from the file's position on; gives the number of bytes read, fewer only at the file's end. */
export async function readFully(file: Deno.FsFile, target: Uint8Array): Promise<number> {
  let filled = 0;
  while (filled < target.length) {
    const read = await file.read(filled === 0 ? target : target.subarray(filled));
    if (read === null) break;
    filled += read;
  }
  return filled;
}

async function readExactly(
  file: Deno.FsFile,
  target: Uint8Array,
  end: number,
  left: number,
): Promise<Uint8Array> {
  const read = await readFully(file, target);
  if (read === target.length) return target;
  throw new Error(`blob file ended ${left - read} bytes before byte ${end}`);
}
