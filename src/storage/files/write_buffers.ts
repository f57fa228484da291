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

/** What one upload has brought and nobody has passed on yet. */
export class Gathering {
  readonly #buffers: WriteBuffers;
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #length = 0;
  #since = 0;
  #lastFilledIn: number | undefined;

  constructor(buffers: WriteBuffers) {
    this.#buffers = buffers;
  }

  /** Bytes gathered. */
  get length(): number {
    return this.#length;
  }

  get isFull(): boolean {
    return this.#length === this.#buffer?.length;
  }

  /** Copies as much of the bytes as there is room for, and says how many. */
  add(bytes: Uint8Array): number {
    if (this.#buffer === undefined) {
      this.#buffer = this.#buffers.take(this.#lastFilledIn);
      this.#since = performance.now();
    }
    const part = bytes.subarray(0, this.#buffer.length - this.#length);
    this.#buffer.set(part, this.#length);
    this.#length += part.length;
    return part.length;
  }

  /** Hands over what is gathered, of which there must be something. Whoever gets it gives it back to the buffers. */
  takeOut(): Uint8Array<ArrayBuffer> {
    const bytes = this.#buffer!.subarray(0, this.#length);
    this.#lastFilledIn = performance.now() - this.#since;
    this.#buffer = undefined;
    this.#length = 0;
    return bytes;
  }

  /** Gives up what is gathered. */
  discard(): void {
    if (this.#buffer !== undefined) this.#buffers.giveBack(this.takeOut());
  }
}
