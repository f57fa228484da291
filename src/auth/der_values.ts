/** Turns the content of DER values (X.690) into booleans, numbers, times and identifiers. */
import { DerError, type DerValue, TAG } from "./der_reader.ts";

/** @throws {DerError} for anything but 0x00 and 0xff */
export function booleanOf(value: DerValue, what: string): boolean {
  const [byte] = value.content;
  if (value.content.length !== 1 || (byte !== 0 && byte !== 0xff)) {
    throw new DerError(`${what} is not a boolean`);
  }
  return byte === 0xff;
}

/** Big-endian bytes of a non-negative integer, without leading zeros (none at all for 0). */
export function unsignedOf(value: DerValue, what: string): Uint8Array {
  const { content } = value;
  const [first, second] = content;
  if (first === undefined) throw new DerError(`${what} is an empty integer`);
  if (first >= 0x80) throw new DerError(`${what} is negative`);
  if (first !== 0) return content;
  if (second !== undefined && second < 0x80) throw new DerError(`${what} has leading zeros`);
  return content.subarray(1);
}

/** An integer from 0 to 2^31 - 1. */
export function smallNumberOf(value: DerValue, what: string): number {
  const bytes = unsignedOf(value, what);
  const number = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  if (bytes.length > 4 || number > 0x7fffffff) throw new DerError(`${what} is too big`);
  return number;
}

/** Lower-case hexadecimal without leading zeros, "0" for zero: how a serial number is written. */
export function serialOf(value: DerValue, what: string): string {
  const bytes = unsignedOf(value, what);
  // RFC 5280 section 4.1.2.2 allows 20; a little more is seen.
  if (bytes.length > 32) throw new DerError(`${what} is longer than 32 bytes`);
  return bytes.toHex().replace(/^0/, "") || "0";
}

/** Bytes of a bit string that is a whole number of bytes, such as a key or a signature. */
export function bitStringBytesOf(value: DerValue, what: string): Uint8Array {
  if (value.content[0] !== 0) throw new DerError(`${what} is not a whole number of bytes`);
  return value.content.subarray(1);
}

/** Which bits of a named bit list are set; bit 0 is the first. */
export function namedBitsOf(value: DerValue, what: string): (bit: number) => boolean {
  const [unused] = value.content;
  const bytes = value.content.subarray(1);
  if (unused === undefined || unused > 7 || (unused > 0 && bytes.length === 0)) {
    throw new DerError(`${what} is not a bit string`);
  }
  return (bit) => ((bytes[bit >> 3] ?? 0) & (0x80 >> (bit & 7))) !== 0;
}

/** Dotted text, such as "2.5.4.3". */
export function objectIdentifierOf(value: DerValue, what: string): string {
  const { content } = value;
  const last = content.at(-1);
  if (last === undefined || last >= 0x80 || content.length > 64) {
    throw new DerError(`${what} is not an object identifier`);
  }
  const arcs: bigint[] = [];
  let arc = 0n;
  let starts = true;
  for (const byte of content) {
    if (starts && byte === 0x80) throw new DerError(`${what} is an object identifier with leading zeros`);
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    starts = byte < 0x80;
    if (!starts) continue;
    if (arcs.length === 0) {
      const first = arc < 80n ? arc / 40n : 2n;
      arcs.push(first, arc - first * 40n);
    } else arcs.push(arc);
    arc = 0n;
  }
  return arcs.join(".");
}

const UTC_TIME = /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;
const GENERALIZED_TIME = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/;

/** Milliseconds since the epoch of a UTCTime or GeneralizedTime in the forms of RFC 5280 section 4.1.2.5. */
export function timeOf(value: DerValue, what: string): number {
  const form = value.tag === TAG.utcTime
    ? UTC_TIME
    : value.tag === TAG.generalizedTime
    ? GENERALIZED_TIME
    : undefined;
  const fields = form?.exec(String.fromCharCode(...value.content.subarray(0, 20)))?.slice(1).map(Number);
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = fields ?? [];
  // Two digits stand for 1950 to 2049.
  const fullYear = value.tag === TAG.utcTime ? year + (year < 50 ? 2000 : 1900) : year;
  const time = new Date(0);
  time.setUTCFullYear(fullYear, month - 1, day);
  time.setUTCHours(hour, minute, second);
  const valid = fields !== undefined && time.getUTCMonth() === month - 1 && time.getUTCDate() === day &&
    time.getUTCHours() === hour && time.getUTCMinutes() === minute && time.getUTCSeconds() === second;
  if (!valid) throw new DerError(`${what} is not a time of the form that certificates use`);
  return time.getTime();
}
