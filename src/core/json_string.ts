/** Strings of JSON text (RFC 8259 section 7): where they end, and which bytes they stand for. */
import { jsonFault } from "./manifest_fault.ts";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;

/** What each one-character escape stands for, by the character after the backslash; 0 where there is none. */
const SHORT_ESCAPES = new Uint8Array(256);
for (const [escape, value] of ['""', "\\\\", "//", "b\b", "f\f", "n\n", "r\r", "t\t"]) {
  SHORT_ESCAPES[escape!.charCodeAt(0)] = value!.charCodeAt(0);
}

/**
 * Offset after the closing quote of the string whose first byte after the opening quote is at `start`.
 *
 * @throws {OciError} MANIFEST_INVALID for control characters, NUL in any form, invalid UTF-8, escapes that
 * RFC 8259 does not know, and half a surrogate pair
 */
export function endOfString(bytes: Uint8Array, start: number): number {
  let i = start;
  while (i < bytes.length) {
    const c = bytes[i]!;
    if (c === QUOTE) return i + 1;
    if (c < 0x20) throw jsonFault("control character in a string", i);
    if (c === BACKSLASH) i = endOfEscape(bytes, i);
    else if (c < 0x80) i++;
    else i = endOfSequence(bytes, i);
  }
  throw jsonFault("a string does not end; it starts", start - 1);
}

/**
 * Writes the UTF-8 that the inside of a checked string stands for to `out` and returns the offset after it.
 * That is never longer than the text, `end - start` bytes.
 */
export function writeUnescaped(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  outStart: number,
): number {
  let to = outStart;
  let i = start;
  while (i < end) {
    const c = bytes[i]!;
    if (c !== BACKSLASH) {
      out[to++] = c;
      i++;
    } else if (bytes[i + 1] !== LETTER_U) {
      out[to++] = SHORT_ESCAPES[bytes[i + 1]!]!;
      i += 2;
    } else {
      let point = hexadecimal(bytes, i + 2);
      i += 6;
      if (isHighSurrogate(point)) {
        point = 0x10000 + ((point - 0xd800) << 10) + (hexadecimal(bytes, i + 2) - 0xdc00);
        i += 6;
      }
      to = writeSequence(point, out, to);
    }
  }
  return to;
}

/** Offset after the escape at `i`, a surrogate pair taken as one. */
function endOfEscape(bytes: Uint8Array, i: number): number {
  if (i + 1 >= bytes.length) throw jsonFault("unknown escape in a string", i);
  if (SHORT_ESCAPES[bytes[i + 1]!] !== 0) return i + 2;
  const unit = bytes[i + 1] === LETTER_U ? hexadecimal(bytes, i + 2) : -1;
  if (unit < 0) throw jsonFault("unknown escape in a string", i);
  // Whoever keeps the text in a C string would see another, shorter one.
  if (unit === 0) throw jsonFault("NUL in a string", i);
  if (unit < 0xd800 || unit > 0xdfff) return i + 6;
  const paired = isHighSurrogate(unit) && bytes[i + 6] === BACKSLASH && bytes[i + 7] === LETTER_U &&
    hexadecimal(bytes, i + 8) >>> 10 === 0xdc00 >>> 10;
  if (!paired) throw jsonFault("half a surrogate pair in a string", i);
  return i + 12;
}

/** Offset after the multi-byte UTF-8 sequence at `i` (RFC 3629 section 4). */
function endOfSequence(bytes: Uint8Array, i: number): number {
  const first = bytes[i]!;
  const second = i + 1 < bytes.length ? bytes[i + 1]! : 0;
  let length = 0;
  if (first >= 0xc2 && first <= 0xdf) length = 2;
  else if (first >= 0xe0 && first <= 0xef) length = 3;
  else if (first >= 0xf0 && first <= 0xf4) length = 4;
  // Overlong forms, surrogates, and code points beyond U+10FFFF show in the second byte.
  const lowest = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const highest = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  let valid = length > 0 && i + length <= bytes.length && second >= lowest && second <= highest;
  for (let k = 2; valid && k < length; k++) valid = (bytes[i + k]! & 0xc0) === 0x80;
  if (!valid) throw jsonFault("invalid UTF-8", i);
  return i + length;
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

/** The number that the four hexadecimal digits at `start` stand for, -1 where there are none. */
function hexadecimal(bytes: Uint8Array, start: number): number {
  if (start + 4 > bytes.length) return -1;
  let value = 0;
  for (let i = start; i < start + 4; i++) {
    const c = bytes[i]!;
    const letter = c | 0x20;
    if (c >= 0x30 && c <= 0x39) value = value * 16 + c - 0x30;
    else if (letter >= 0x61 && letter <= 0x66) value = value * 16 + letter - 0x57;
    else return -1;
  }
  return value;
}

/** Writes a code point as UTF-8 and returns the offset after it. */
function writeSequence(point: number, out: Uint8Array, to: number): number {
  if (point < 0x80) {
    out[to] = point;
    return to + 1;
  }
  if (point < 0x800) {
    out[to] = 0xc0 | (point >> 6);
    out[to + 1] = 0x80 | (point & 0x3f);
    return to + 2;
  }
  if (point < 0x10000) {
    out[to] = 0xe0 | (point >> 12);
    out[to + 1] = 0x80 | ((point >> 6) & 0x3f);
    out[to + 2] = 0x80 | (point & 0x3f);
    return to + 3;
  }
  out[to] = 0xf0 | (point >> 18);
  out[to + 1] = 0x80 | ((point >> 12) & 0x3f);
  out[to + 2] = 0x80 | ((point >> 6) & 0x3f);
  out[to + 3] = 0x80 | (point & 0x3f);
  return to + 4;
}
