/** A memory of immutable byte strings, bounded in bytes; the least recently used go first. */

export class ByteCache<K> {
  readonly #limit: number;
  // A Map iterates in order of insertion; reading moves an entry to the end.
  readonly #entries = new Map<K, Uint8Array>();
  #held = 0;

  /** @param limit bytes in all; 0 remembers nothing */
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
    if (bytes.length > this.#limit) return;
    this.#entries.set(key, bytes);
    this.#held += bytes.length;
    for (const [oldest, { length }] of this.#entries) {
      if (this.#held <= this.#limit) break;
      this.#entries.delete(oldest);
      this.#held -= length;
    }
  }

  delete(key: K): void {
    const bytes = this.#entries.get(key);
    if (bytes === undefined) return;
    this.#entries.delete(key);
    this.#held -= bytes.length;
  }
}
