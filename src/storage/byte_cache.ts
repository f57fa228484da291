/** A memory of immutable byte strings, bounded in bytes; the least recently used go first. */

/** What an entry costs beside its bytes: key, array, slot. Without it, tiny entries could fill the memory. */
const ENTRY_OVERHEAD = 512;

export class ByteCache<K> {
  readonly #limit: number;
  // A Map iterates in order of insertion; reading moves an entry to the end.
  readonly #entries = new Map<K, Uint8Array>();
  #held = 0;

  /** @param limit bytes in all, 512 for each entry included; 0 remembers nothing */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get(key: K): Uint8Array | undefined {
    const bytes = this.#entries.get(key);
    if (bytes === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, bytes);
    return bytes;
  }

  set(key: K, bytes: Uint8Array): void {
    this.delete(key);
    if (costOf(bytes) > this.#limit) return;
    this.#entries.set(key, bytes);
    this.#held += costOf(bytes);
    for (const oldest of this.#entries.keys()) {
      if (this.#held <= this.#limit) break;
      this.delete(oldest);
    }
  }

  delete(key: K): void {
    const bytes = this.#entries.get(key);
    if (bytes === undefined) return;
    this.#entries.delete(key);
    this.#held -= costOf(bytes);
  }
}

function costOf(bytes: Uint8Array): number {
  return bytes.length + ENTRY_OVERHEAD;
}
