/** Reads a part of a file in chunks that fit the pace of whoever takes them, in buffers that are used again. */

/**
 * Bytes of a chunk. Large ones carry three times as much, with the next one read while the last is sent; but a client can
 * take a day for its layer, and what is read for it stays in memory all that time.
 */
const SMALL_CHUNK = 64 * 1024;
const LARGE_CHUNK = 1024 * 1024;

/** Bytes taken without a pause after which chunks are large: more than the system's buffers swallow of a slow client's. */
const FAST_AFTER = 8 * 1024 * 1024;

/** ms without coming back for more that count as a pause. */
const PAUSE_MS = 250;

/** Room for the large chunks of all readings of a thread, so that clients that stop when they have them cannot fill it. */
export class ChunkRoom {
  #free: number;

  /** @param readings that may have large chunks at the same time, two of 1 MiB each */
  constructor(readings = 16) {
    this.#free = readings;
  }

  claim(): boolean {
    if (this.#free === 0) return false;
    this.#free--;
    return true;
  }

  release(): void {
    this.#free++;
  }
}

/**
 * The bytes from `start` up to, not including, `end`. A chunk is good until the next one is asked for; then its buffer is
 * written over. Close the file only when the iteration has ended or was left.
 *
 * @throws when the file ends early or cannot be read
 */
export async function* readChunks(
  file: Deno.FsFile,
  start: number,
  end: number,
  room: ChunkRoom,
): AsyncGenerator<Uint8Array> {
  await file.seek(start, Deno.SeekMode.Start);
  let unread = end - start;
  const read = (buffer: Uint8Array): Promise<Uint8Array> => {
    const before = unread;
    const target = buffer.subarray(0, Math.min(buffer.length, before));
    unread -= target.length;
    return readExactly(file, target, before, end);
  };
  /** A small one, or two large ones, the first of which is the next to be read into. */
  let buffers = [new Uint8Array(Math.min(SMALL_CHUNK, unread))];
  let large = false;
  let fast = 0;
  let ahead: Promise<Uint8Array> | undefined;
  try {
    while (unread > 0 || ahead !== undefined) {
      const chunk: Uint8Array = await (ahead ?? read(buffers[0]!));
      ahead = undefined;
      if (large) buffers.reverse();
      if (large && fast > 0 && unread > 0) {
        ahead = read(buffers[0]!);
        // Whoever asks for it hears of it; until then, or if nobody does, it is no fault of this thread.
        ahead.catch(() => {});
      }
      const given = performance.now();
      yield chunk;
      fast = performance.now() - given < PAUSE_MS ? fast + chunk.length : 0;
      if (large && fast === 0 && ahead === undefined) {
        large = false;
        buffers = [new Uint8Array(SMALL_CHUNK)];
        room.release();
      } else if (!large && fast >= FAST_AFTER && unread > 0 && room.claim()) {
        large = true;
        buffers = [new Uint8Array(LARGE_CHUNK), new Uint8Array(LARGE_CHUNK)];
      }
    }
  } finally {
    await ahead?.catch(() => {});
    if (large) room.release();
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
  expected: number,
  end: number,
): Promise<Uint8Array> {
  const read = await readFully(file, target);
  if (read === target.length) return target;
  throw new Error(`blob file ended ${expected - read} bytes before byte ${end}`);
}
