/** Keys of the JSON objects that are open while a text is read, and whether one object has the same key twice. */
import { jsonFault } from "./manifest_fault.ts";
import { writeUnescaped } from "./json_string.ts";
import { quote } from "./quote.ts";

/** Objects with more keys go through a hash table. */
const FEW = 8;
/** Numbers kept for a key: offset of its text, start and end of its bytes, hash. */
const STRIDE = 4;
/** Chosen anew by every process, so that nobody can send keys that all fall into one place of the table. */
const SEED = crypto.getRandomValues(new Int32Array(1))[0]!;

/** A stack of keys. Compares what keys stand for, not how they are written: `a` and its escape are the same. */
export class JsonKeys {
  readonly #bytes: Uint8Array;
  /** Bytes of the keys that were written with escapes, one after another. */
  #unescaped = new Uint8Array(0);
  #unescapedEnd = 0;
  #keys = new Int32Array(64 * STRIDE);
  #count = 0;
  #table = new Int32Array(0);

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** How many keys the open objects have: the mark to give to {@linkcode close}. */
  get count(): number {
    return this.#count;
  }

  /** Adds a key of the innermost open object; `start` and `end` are the offsets between its quotes. */
  add(start: number, end: number): void {
    if ((this.#count + 1) * STRIDE > this.#keys.length) {
      const larger = new Int32Array(this.#keys.length * 2);
      larger.set(this.#keys);
      this.#keys = larger;
    }
    let hash = hashOf(this.#bytes, start, end);
    let from = start;
    let to = end;
    if (hash === undefined) {
      // Offsets beyond the text stand for this second buffer.
      if (this.#unescaped.length === 0) this.#unescaped = new Uint8Array(this.#bytes.length);
      const stop = writeUnescaped(this.#bytes, start, end, this.#unescaped, this.#unescapedEnd);
      hash = hashOf(this.#unescaped, this.#unescapedEnd, stop, true)!;
      from = this.#bytes.length + this.#unescapedEnd;
      to = this.#bytes.length + stop;
      this.#unescapedEnd = stop;
    }
    const at = this.#count * STRIDE;
    this.#keys[at] = start;
    this.#keys[at + 1] = from;
    this.#keys[at + 2] = to;
    this.#keys[at + 3] = hash;
    this.#count++;
  }

  /**
   * Ends the innermost object, whose first key was added when `count` was `mark`.
   *
   * @throws {OciError} MANIFEST_INVALID when it has a key twice
   */
  close(mark: number): void {
    const count = this.#count - mark;
    if (count > FEW) this.#checkMany(mark);
    else if (count > 1) this.#checkFew(mark);
    this.#count = mark;
  }

  #checkFew(mark: number): void {
    for (let later = mark + 1; later < this.#count; later++) {
      for (let earlier = mark; earlier < later; earlier++) this.#compare(earlier, later);
    }
  }

  #checkMany(mark: number): void {
    let size = FEW * 4;
    while (size < (this.#count - mark) * 2) size *= 2;
    if (this.#table.length < size) this.#table = new Int32Array(size);
    const table = this.#table.fill(-1, 0, size);
    for (let key = mark; key < this.#count; key++) {
      let place = this.#keys[key * STRIDE + 3]! & (size - 1);
      while (table[place]! >= 0) {
        this.#compare(table[place]!, key);
        place = (place + 1) & (size - 1);
      }
      table[place] = key;
    }
  }

  #compare(earlier: number, later: number): void {
    const keys = this.#keys;
    const a = earlier * STRIDE;
    const b = later * STRIDE;
    if (keys[a + 3] !== keys[b + 3]) return;
    const length = keys[a + 2]! - keys[a + 1]!;
    if (length !== keys[b + 2]! - keys[b + 1]!) return;
    for (let i = 0; i < length; i++) {
      if (this.#byteAt(keys[a + 1]! + i) !== this.#byteAt(keys[b + 1]! + i)) return;
    }
    const bytes = Uint8Array.from({ length }, (_, i) => this.#byteAt(keys[b + 1]! + i));
    throw jsonFault(
      `key ${quote(new TextDecoder().decode(bytes))} for the second time in one object`,
      keys[b]!,
    );
  }

  #byteAt(offset: number): number {
    return offset < this.#bytes.length ? this.#bytes[offset]! : this.#unescaped[offset - this.#bytes.length]!;
  }
}

/** A hash of 32 bits; undefined when there is an escape among the bytes and they are not `plain`. */
function hashOf(bytes: Uint8Array, start: number, end: number, plain = false): number | undefined {
  let hash = SEED;
  for (let i = start; i < end; i++) {
    const c = bytes[i]!;
    if (c === 0x5c && !plain) return undefined;
    hash = Math.imul(hash ^ c, 0x01000193);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
