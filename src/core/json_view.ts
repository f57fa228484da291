/** A look into JSON text that checkStrictJson() accepted: single values are read where they stand, the rest is passed over. */
import { jsonFault } from "./manifest_fault.ts";
import { writeUnescaped } from "./json_string.ts";
import { quote } from "./quote.ts";
import { skipSpace } from "./strict_json.ts";

/** Names of members that mean something, by their length. Made by {@linkcode memberNames}. */
export type MemberNames<N extends string> = ReadonlyMap<number, readonly N[]>;

/** Offsets of the values of members that were found. */
export type Members<N extends string> = Partial<Record<N, number>>;

export type JsonKind = "object" | "array" | "string" | "number" | "boolean" | "null";

/** Longest text of a name: 16 characters, each written as an escape of six. */
const LONGEST_NAME = 16 * 6;
const UNESCAPED = new Uint8Array(LONGEST_NAME);
/** What {@linkcode foldKey} made of the last key. */
const FOLDED = new Uint8Array(LONGEST_NAME);
const DECODER = new TextDecoder();

/** Groups ASCII names for {@linkcode findMembers}. */
export function memberNames<N extends string>(...names: N[]): MemberNames<N> {
  const groups = new Map<number, N[]>();
  for (const name of names) groups.set(name.length, [...groups.get(name.length) ?? [], name]);
  return groups;
}

/** Offset of the outermost value. */
export function rootOf(bytes: Uint8Array): number {
  return skipSpace(bytes, 0);
}

export function kindAt(bytes: Uint8Array, at: number): JsonKind {
  switch (bytes[at]) {
    case 0x7b:
      return "object";
    case 0x5b:
      return "array";
    case 0x22:
      return "string";
    case 0x74:
    case 0x66:
      return "boolean";
    case 0x6e:
      return "null";
    default:
      return "number";
  }
}

/**
 * Finds those members of the object at `at` that have one of the names.
 *
 * @throws {OciError} MANIFEST_INVALID for a key that is one of the names in other letters: encoding/json of Go
 * takes `Layers` for `layers`, so that its readers would see another manifest than this one
 */
export function findMembers<N extends string>(
  bytes: Uint8Array,
  at: number,
  names: MemberNames<N>,
): Members<N> {
  const found: Members<N> = {};
  forEachMember(bytes, at, (start, end, value) => {
    const name = nameOf(bytes, start, end, names);
    if (name !== undefined) found[name] = value;
  });
  return found;
}

/** Calls `visit` for each member of the object at `at`: offsets between the quotes of the key, and of the value. */
export function forEachMember(
  bytes: Uint8Array,
  at: number,
  visit: (keyStart: number, keyEnd: number, value: number) => void,
): void {
  let i = skipSpace(bytes, at + 1);
  while (bytes[i] !== 0x7d) {
    const keyEnd = endOfChecked(bytes, i + 1);
    const value = skipSpace(bytes, skipSpace(bytes, keyEnd) + 1);
    visit(i + 1, keyEnd - 1, value);
    i = nextAfter(bytes, value);
  }
}

/** Calls `visit` for each element of the array at `at`. */
export function forEachElement(
  bytes: Uint8Array,
  at: number,
  visit: (element: number, index: number) => void,
): void {
  let i = skipSpace(bytes, at + 1);
  for (let index = 0; bytes[i] !== 0x5d; index++) {
    visit(i, index);
    i = nextAfter(bytes, i);
  }
}

/** The string whose inside is between `start` and `end`. */
export function textBetween(bytes: Uint8Array, start: number, end: number): string {
  let escaped = false;
  let ascii = true;
  for (let i = start; i < end; i++) {
    if (bytes[i] === 0x5c) escaped = true;
    else if (bytes[i]! >= 0x80) ascii = false;
  }
  if (escaped) {
    const plain = new Uint8Array(end - start);
    return DECODER.decode(plain.subarray(0, writeUnescaped(bytes, start, end, plain, 0)));
  }
  const inside = bytes.subarray(start, end);
  // Twice as fast as the decoder for the digests and media types of which manifests are made.
  if (ascii && inside.length <= 255) return String.fromCharCode.apply(null, inside as unknown as number[]);
  return DECODER.decode(inside);
}

/** The string at `at`, undefined when the value there is no string. */
export function stringAt(bytes: Uint8Array, at: number): string | undefined {
  return bytes[at] === 0x22 ? textBetween(bytes, at + 1, endOfChecked(bytes, at + 1) - 1) : undefined;
}

/**
 * The number at `at` if it is a safe integer of 0 or more, in digits only; undefined for everything else.
 * `1.0` and `1e3` are not taken: encoding/json of Go refuses them for an integer.
 */
export function wholeNumberAt(bytes: Uint8Array, at: number): number | undefined {
  let value = 0;
  let i = at;
  for (; i < bytes.length && !isDelimiter(bytes[i]!); i++) {
    const c = bytes[i]!;
    if (c < 0x30 || c > 0x39) return undefined;
    value = value * 10 + (c - 0x30);
  }
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The value at `at` for a message: a string quoted, a number as it is written, of all else the kind. */
export function showAt(bytes: Uint8Array, at: number): string {
  const kind = kindAt(bytes, at);
  switch (kind) {
    case "object":
    case "array":
      return `an ${kind}`;
    case "string":
      return quote(stringAt(bytes, at)!);
    case "number":
    case "boolean":
    case "null":
      return quote(DECODER.decode(bytes.subarray(at, endOfValue(bytes, at)))).slice(1, -1);
  }
}

/** The name that the key between `start` and `end` is; undefined when it is none. */
function nameOf<N extends string>(
  bytes: Uint8Array,
  start: number,
  end: number,
  names: MemberNames<N>,
): N | undefined {
  for (const name of names.get(end - start) ?? []) {
    let k = 0;
    while (k < name.length && bytes[start + k] === name.charCodeAt(k)) k++;
    if (k === name.length) return name;
  }
  if (end - start > LONGEST_NAME) return undefined;
  const length = foldKey(bytes, start, end);
  for (const name of names.get(length) ?? []) {
    const low = name.toLowerCase();
    let k = 0;
    while (k < length && FOLDED[k] === low.charCodeAt(k)) k++;
    if (k < length) continue;
    // A key may be written with escapes and still be the name.
    const key = textBetween(bytes, start, end);
    if (key === name) return name;
    throw jsonFault(`key ${quote(key)}, which some readers take for ${quote(name)},`, start);
  }
  return undefined;
}

/**
 * Puts a short key into lower case as encoding/json of Go does, and returns its length.
 * -1 when there is a letter in it that no ASCII name has.
 */
function foldKey(bytes: Uint8Array, start: number, end: number): number {
  const stop = writeUnescaped(bytes, start, end, UNESCAPED, 0);
  let length = 0;
  for (let i = 0; i < stop; i++) {
    let c = UNESCAPED[i]!;
    if (c >= 0x41 && c <= 0x5a) {
      c |= 0x20;
    } else if (c === 0xc5 && UNESCAPED[i + 1] === 0xbf) {
      // U+017F, the long s.
      c = 0x73;
      i++;
    } else if (c === 0xe2 && UNESCAPED[i + 1] === 0x84 && UNESCAPED[i + 2] === 0xaa) {
      // U+212A, the Kelvin sign.
      c = 0x6b;
      i += 2;
    } else if (c >= 0x80) {
      return -1;
    }
    FOLDED[length++] = c;
  }
  return length;
}

/** Offset of the next key, the next element or the closing bracket after the value at `at`. */
function nextAfter(bytes: Uint8Array, at: number): number {
  const i = skipSpace(bytes, endOfValue(bytes, at));
  return bytes[i] === 0x2c ? skipSpace(bytes, i + 1) : i;
}

function endOfValue(bytes: Uint8Array, at: number): number {
  let depth = 0;
  let i = at;
  do {
    const c = bytes[i]!;
    if (c === 0x22) {
      i = endOfChecked(bytes, i + 1);
    } else {
      if (c === 0x7b || c === 0x5b) depth++;
      else if (c === 0x7d || c === 0x5d) depth--;
      i++;
      // A number or a word that is no part of something larger ends where a delimiter stands.
      if (depth === 0 && c !== 0x7d && c !== 0x5d) {
        while (i < bytes.length && !isDelimiter(bytes[i]!)) i++;
      }
    }
  } while (depth > 0);
  return i;
}

function isDelimiter(c: number): boolean {
  return c === 0x2c || c === 0x7d || c === 0x5d || c === 0x20 || c === 0x0a || c === 0x0d || c === 0x09;
}

/** Offset after the closing quote of a string that was checked before. */
function endOfChecked(bytes: Uint8Array, start: number): number {
  let i = start;
  while (bytes[i] !== 0x22) i += bytes[i] === 0x5c ? 2 : 1;
  return i + 1;
}
