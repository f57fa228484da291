/** Writes tar archives (ustar) of small files, as layers are made of. */

import { concatenate } from "./der.ts";

const BLOCK = 512;

/** A tar archive of the given files, each with mode 0644 and the time 0. */
export function makeTar(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, bytes] of Object.entries(files)) {
    const padding = (BLOCK - bytes.length % BLOCK) % BLOCK;
    parts.push(makeHeader(name, bytes.length), bytes, new Uint8Array(padding));
  }
  return concatenate([...parts, new Uint8Array(2 * BLOCK)]);
}

function makeHeader(name: string, size: number): Uint8Array {
  const header = new Uint8Array(BLOCK);
  const write = (offset: number, text: string) => header.set(new TextEncoder().encode(text), offset);
  const octal = (value: number, width: number) => value.toString(8).padStart(width, "0") + "\0";
  write(0, name);
  write(100, octal(0o644, 7));
  write(108, octal(0, 7));
  write(116, octal(0, 7));
  write(124, octal(size, 11));
  write(136, octal(0, 11));
  write(148, "        ");
  write(156, "0");
  write(257, "ustar\x0000");
  write(148, octal(header.reduce((sum, byte) => sum + byte, 0), 6) + " ");
  return header;
}
