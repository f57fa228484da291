/** Strict JSON: one linear pass that refuses everything that two parsers could read in two ways. */
import { jsonFault } from "./manifest_fault.ts";
import { JsonKeys } from "./json_keys.ts";
import { endOfString } from "./json_string.ts";
import { OciError } from "./oci_error.ts";
import { quote } from "./quote.ts";

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | JsonValue[]
  | { [key: string]: JsonValue };

/** How deep arrays and objects may stand in each other. */
export const DEEPEST_JSON = 64;

/**
 * How many values {@linkcode parseStrictJson} takes. JSON.parse is given text of which 4 MiB can hold it up for
 * 1.6 seconds (strings of digits chosen to collide in its table); with this many the worst is some 20 ms.
 */
export const MOST_JSON_VALUES = 20_000;

/**
 * Parses JSON that {@linkcode checkStrictJson} accepts and that holds at most {@linkcode MOST_JSON_VALUES} values.
 * A key `__proto__` is an own property like any other: read properties with Object.hasOwn.
 *
 * @throws {OciError} MANIFEST_INVALID
 */
export function parseStrictJson(bytes: Uint8Array): JsonValue {
  const values = checkStrictJson(bytes);
  if (values > MOST_JSON_VALUES) {
    throw new OciError("MANIFEST_INVALID", {
      message: `Cannot read manifest: it holds ${values} values, at most ${MOST_JSON_VALUES} are allowed`,
    });
  }
  return JSON.parse(new TextDecoder().decode(bytes));
}

/**
 * Checks that the bytes are one JSON text (RFC 8259) in valid UTF-8, with no byte order mark, no key twice in one
 * object, no NUL, no half surrogate pair, and at most {@linkcode DEEPEST_JSON} levels. Takes time in proportion to
 * the bytes, whatever they are, and builds nothing.
 *
 * @returns how many values there are, at all levels
 * @throws {OciError} MANIFEST_INVALID with what is wrong and at which byte
 */
export function checkStrictJson(bytes: Uint8Array): number {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) throw jsonFault("a byte order mark", 0);
  const keys = new JsonKeys(bytes);
  /** For each open object the number of keys before its own, for each open array -1. */
  const open = new Int32Array(DEEPEST_JSON);
  let depth = 0;
  let values = 0;
  let i = skipSpace(bytes, 0);
  while (true) {
    // Here a value starts.
    values++;
    const c = bytes[i];
    if (c === 0x7b || c === 0x5b) {
      if (depth === DEEPEST_JSON) {
        throw jsonFault(`more than ${DEEPEST_JSON} levels of arrays and objects`, i);
      }
      open[depth++] = c === 0x7b ? keys.count : -1;
      i = skipSpace(bytes, i + 1);
      // `}` and `]` are two more than what opened; the empty one is closed below.
      if (bytes[i] !== c + 2) {
        if (c === 0x7b) i = endOfKey(bytes, i, keys);
        continue;
      }
    } else {
      i = endOfScalar(bytes, i);
    }
    // Here a value has ended, or an empty array or object is to be closed.
    while (true) {
      i = skipSpace(bytes, i);
      if (depth === 0) {
        if (i < bytes.length) throw unexpected(bytes, i, "the end");
        return values;
      }
      const mark = open[depth - 1]!;
      const end = mark < 0 ? 0x5d : 0x7d;
      const next = bytes[i];
      if (next === end) {
        if (mark >= 0) keys.close(mark);
        depth--;
        i++;
      } else if (next === 0x2c) {
        i = skipSpace(bytes, i + 1);
        if (mark >= 0) i = endOfKey(bytes, i, keys);
        break;
      } else {
        throw unexpected(bytes, i, mark < 0 ? `"," or "]"` : `"," or "}"`);
      }
    }
  }
}

/** Reads a key and its colon; returns the offset of the value. */
function endOfKey(bytes: Uint8Array, start: number, keys: JsonKeys): number {
  if (bytes[start] !== 0x22) throw unexpected(bytes, start, "a key in quotes");
  const end = endOfString(bytes, start + 1);
  keys.add(start + 1, end - 1);
  const colon = skipSpace(bytes, end);
  if (bytes[colon] !== 0x3a) throw unexpected(bytes, colon, `":"`);
  return skipSpace(bytes, colon + 1);
}

function endOfScalar(bytes: Uint8Array, start: number): number {
  switch (bytes[start]) {
    case 0x22:
      return endOfString(bytes, start + 1);
    case 0x74:
      return endOfWord(bytes, start, "true");
    case 0x66:
      return endOfWord(bytes, start, "false");
    case 0x6e:
      return endOfWord(bytes, start, "null");
    default:
      return endOfNumber(bytes, start);
  }
}

function endOfWord(bytes: Uint8Array, start: number, word: string): number {
  for (let k = 0; k < word.length; k++) {
    if (bytes[start + k] !== word.charCodeAt(k)) throw unexpected(bytes, start, "a value");
  }
  return start + word.length;
}

function endOfNumber(bytes: Uint8Array, start: number): number {
  let i = start;
  if (bytes[i] === 0x2d) i++;
  const whole = i;
  i = endOfDigits(bytes, i);
  if (i === whole) throw unexpected(bytes, i, whole === start ? "a value" : "a digit");
  if (bytes[whole] === 0x30 && i > whole + 1) throw jsonFault("number with a leading zero", start);
  if (bytes[i] === 0x2e) {
    const fraction = i + 1;
    i = endOfDigits(bytes, fraction);
    if (i === fraction) throw unexpected(bytes, i, "a digit");
  }
  if (bytes[i] === 0x65 || bytes[i] === 0x45) {
    const exponent = bytes[i + 1] === 0x2b || bytes[i + 1] === 0x2d ? i + 2 : i + 1;
    i = endOfDigits(bytes, exponent);
    if (i === exponent) throw unexpected(bytes, i, "a digit");
  }
  return i;
}

function endOfDigits(bytes: Uint8Array, start: number): number {
  let i = start;
  while (i < bytes.length && bytes[i]! >= 0x30 && bytes[i]! <= 0x39) i++;
  return i;
}

/** Offset of the first byte from `start` on that is no white space. */
export function skipSpace(bytes: Uint8Array, start: number): number {
  let i = start;
  while (i < bytes.length) {
    const c = bytes[i]!;
    if (c !== 0x20 && c !== 0x0a && c !== 0x0d && c !== 0x09) break;
    i++;
  }
  return i;
}

function unexpected(bytes: Uint8Array, at: number, wanted: string): OciError {
  if (at >= bytes.length) return jsonFault(`the text ends where ${wanted} is expected,`, bytes.length);
  const c = bytes[at]!;
  const shown = c < 0x80 ? quote(String.fromCharCode(c)) : `byte 0x${c.toString(16)}`;
  return jsonFault(`${shown} where ${wanted} is expected,`, at);
}
