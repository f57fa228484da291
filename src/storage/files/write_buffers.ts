/** The buffers in which a thread gathers what uploads bring, used again and again: a new one costs more than to fill it. */

/**
 * Bytes of a buffer. A large one makes system calls rare, but a client can take a day for its layer and keep its buffer all
 * that time, so an upload gets one only while it is fast.
 */
export const SMALL_BUFFER = 128 * 1024;
const LARGE_BUFFER = 1024 * 1024;

/** ms in which a buffer must have been filled for the next one to be large. */
const FAST_MS = 250;

/** Large buffers of a thread, which bounds what clients that become slow can keep of them. */
const MOST_LARGE = 24;

/** Buffers of each size that are kept for later. */
const MOST_FREE = 8;

export class WriteBuffers {
  readonly #free = new Map<number, ArrayBuffer[]>([[SMALL_BUFFER, []], [LARGE_BUFFER, []]]);
  #largeOut = 0;

  /** @param filledIn ms in which the upload filled its last buffer; undefined when this is its first */
  take(filledIn: number | undefined): Uint8Array<ArrayBuffer> {
    const large = filledIn !== undefined && filledIn < FAST_MS && this.#largeOut < MOST_LARGE;
    if (large) this.#largeOut++;
    const size = large ? LARGE_BUFFER : SMALL_BUFFER;
    return new Uint8Array(this.#free.get(size)!.pop() ?? new ArrayBuffer(size));
  }

  /** Takes a buffer back that nobody reads or writes any more. */
  giveBack({ buffer }: Uint8Array<ArrayBuffer>): void {
    if (buffer.byteLength === LARGE_BUFFER) this.#largeOut--;
    const free = this.#free.get(buffer.byteLength)!;
    if (free.length < MOST_FREE) free.push(buffer);
    // Now, and not with some later collection.
    else buffer.transfer(0);
  }
}
