/** Headers of tar archives (POSIX.1-2017 pax, "ustar Interchange Format"): written always the same way, read strictly. */
import { quote } from "../../core/quote.ts";

/** Bytes of a header; files are filled up to a multiple of it. */
export const BLOCK = 512;

/** Bytes of a name that its field holds. */
const LONGEST_NAME = 100;

/** Sizes from here on have no room in eleven octal digits. */
const LARGE_SIZE = 8 ** 11;

/** Where the fields are: offset and length in bytes. */
const FIELDS = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  type: [156, 1],
  magic: [257, 8],
  prefix: [345, 155],
} as const;

export interface TarHeader {
  /** As it stands there; the caller decides whether it can be used. */
  readonly name: string;
  /** Bytes of the file behind it. */
  readonly size: number;
  /** Letter of the type, "0" for a file. */
  readonly type: string;
}

/** An archive that cannot be read, or must not be. */
export class BadArchive extends Error {
  override readonly name = "BadArchive";
}

/**
 * The blocks before a file. Nothing in them depends on who writes, where, or when. A name or a size that finds no room in
 * the header of ustar stands in a pax record before it.
 */
export function writeHeader(name: string, size: number): Uint8Array {
  const records = [
    ...(name.length > LONGEST_NAME ? [paxRecord("path", name)] : []),
    ...(size >= LARGE_SIZE ? [paxRecord("size", String(size))] : []),
  ];
  const header = writeUstar(name.slice(-LONGEST_NAME), size >= LARGE_SIZE ? 0 : size, "0");
  if (records.length === 0) return header;
  const pax = new TextEncoder().encode(records.join(""));
  const blocks = new Uint8Array(BLOCK + paddedSize(pax.length) + BLOCK);
  blocks.set(writeUstar("pax", pax.length, "x"));
  blocks.set(pax, BLOCK);
  blocks.set(header, blocks.length - BLOCK);
  return blocks;
}

/** Bytes that a file of `size` bytes takes in the archive, without its header. */
export function paddedSize(size: number): number {
  return Math.ceil(size / BLOCK) * BLOCK;
}

/**
 * Reads a header; undefined for a block of zeros, with which an archive ends.
 *
 * @throws {BadArchive}
 */
export function readHeader(block: Uint8Array): TarHeader | undefined {
  if (block.every((byte) => byte === 0)) return undefined;
  const stated = readNumber(block, "checksum");
  if (stated !== checksumOf(block)) throw new BadArchive("a header has another checksum than it says");
  const magic = readText(block, "magic");
  if (!magic.startsWith("ustar")) throw new BadArchive("a header is not of the ustar format");
  // GNU's own format has no prefix there, and what it has instead is no text.
  const prefix = magic === "ustar" ? readText(block, "prefix") : "";
  const name = readText(block, "name");
  return {
    name: prefix === "" ? name : `${prefix}/${name}`,
    size: readNumber(block, "size"),
    type: readText(block, "type") || "0",
  };
}

function writeUstar(name: string, size: number, type: string): Uint8Array {
  const block = new Uint8Array(BLOCK);
  const write = (field: keyof typeof FIELDS, text: string) =>
    block.set(new TextEncoder().encode(text), FIELDS[field][0]);
  const octal = (value: number, digits: number) => `${value.toString(8).padStart(digits, "0")}\0`;
  write("name", name);
  write("mode", octal(0o644, 7));
  write("uid", octal(0, 7));
  write("gid", octal(0, 7));
  write("size", octal(size, 11));
  write("mtime", octal(0, 11));
  write("type", type);
  write("magic", "ustar\x0000");
  write("checksum", `${checksumOf(block).toString(8).padStart(6, "0")}\0 `);
  return block;
}

/** The sum of all bytes, those of the checksum itself taken as spaces. */
function checksumOf(block: Uint8Array): number {
  const [start, length] = FIELDS.checksum;
  let sum = 32 * length;
  for (let i = 0; i < BLOCK; i++) if (i < start || i >= start + length) sum += block[i]!;
  return sum;
}

/** A record says its own length, its digits included. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length++;
  return `${length}${rest}`;
}

function readText(block: Uint8Array, field: keyof typeof FIELDS): string {
  const [start, length] = FIELDS[field];
  const bytes = block.subarray(start, start + length);
  const end = bytes.indexOf(0);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(end < 0 ? bytes : bytes.subarray(0, end));
  } catch {
    throw new BadArchive(`the ${field} of a header is not UTF-8`);
  }
}

function readNumber(block: Uint8Array, field: "size" | "checksum"): number {
  const [start, length] = FIELDS[field];
  if ((block[start]! & 0x80) !== 0) return readBinary(block.subarray(start, start + length), field);
  const text = readText(block, field).trim();
  if (!/^[0-7]{1,12}$/.test(text)) {
    throw new BadArchive(`the ${field} of a header is ${quote(text)}, not an octal number`);
  }
  return Number.parseInt(text, 8);
}

/** GNU writes what has no room in octal digits as a binary number whose first bit is set. */
function readBinary(bytes: Uint8Array, field: string): number {
  const value = bytes.subarray(1).reduce((sum, byte) => sum * 256n + BigInt(byte), BigInt(bytes[0]! & 0x7f));
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new BadArchive(`the ${field} of a header is larger than any file`);
  }
  return Number(value);
}
