/** Reads DER (X.690) strictly: one tag byte, definite lengths in their shortest form, nothing left over. */

/** Tags that X.509 uses. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  objectIdentifier: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  printableString: 0x13,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** The bytes are not the DER that was expected. */
export class DerError extends Error {
  override readonly name = "DerError";
}

/** One encoded value. */
export interface DerValue {
  readonly tag: number;
  /** Without tag and length. */
  readonly content: Uint8Array;
  /** With tag and length. */
  readonly encoding: Uint8Array;
}

/** Walks over the values that stand one after the other in some bytes. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether a value follows, and, where a tag is given, one with that tag. */
  follows(tag?: number): boolean {
    if (this.#offset >= this.#bytes.length) return false;
    return tag === undefined || this.#bytes[this.#offset] === tag;
  }

  /** @throws {DerError} when no value follows, or one with another tag */
  read(what: string, tag?: number): DerValue {
    const bytes = this.#bytes;
    const start = this.#offset;
    const found = bytes[start];
    if (found === undefined) throw new DerError(`${what} is missing`);
    if (tag !== undefined && found !== tag) {
      throw new DerError(`${what} has the tag 0x${found.toString(16)}, expected 0x${tag.toString(16)}`);
    }
    if ((found & 0x1f) === 0x1f) throw new DerError(`${what} has a tag of several bytes`);
    let at = start + 1;
    let length = bytes[at++];
    if (length === undefined) throw new DerError(`${what} is cut off`);
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 4) {
        throw new DerError(`${what} has a length in a form that DER does not allow`);
      }
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + (bytes[at++] ?? 0);
      if (length < 0x80 || length < 256 ** (count - 1)) {
        throw new DerError(`${what} has a length in a form that DER does not allow`);
      }
    }
    const end = at + length;
    if (end > bytes.length) throw new DerError(`${what} is cut off`);
    this.#offset = end;
    return { tag: found, content: bytes.subarray(at, end), encoding: bytes.subarray(start, end) };
  }

  /** A reader of the values inside a value of that tag. */
  enter(what: string, tag: number = TAG.sequence): DerReader {
    return new DerReader(this.read(what, tag).content);
  }

  /** @throws {DerError} when something follows */
  end(what: string): void {
    if (this.#offset < this.#bytes.length) throw new DerError(`${what} has unexpected content at its end`);
  }
}

/** The one value that the bytes consist of. */
export function readSingle(bytes: Uint8Array, what: string, tag?: number): DerValue {
  const reader = new DerReader(bytes);
  const value = reader.read(what, tag);
  reader.end(what);
  return value;
}
