/** Writes tar archives (ustar) of small files, as layers are made of, and looks into any by the tar of the system. */

import { concatenate } from "./der.ts";

const BLOCK = 512;

/** A tar archive of the given files, each with mode 0644 and the time 0. */
export function makeTar(files: Readonly<Record<string, Uint8Array>>): Uint8Array {
  const entries = Object.entries(files).map(([name, data]) => makeTarEntry({ name, data }));
  return concatenate([...entries, new Uint8Array(2 * BLOCK)]);
}

export interface TarEntry {
  readonly name: string;
  /** None when absent. */
  readonly data?: Uint8Array;
  /** What the header says, that of the data when absent. */
  readonly size?: number;
  /** The same as GNU tar writes what has no room in octal digits. */
  readonly binarySize?: number;
  /** "0", a file, when absent. */
  readonly type?: string;
}

/** One entry, also such as no program would write. */
export function makeTarEntry(
  { name, data = new Uint8Array(), size, binarySize, type = "0" }: TarEntry,
): Uint8Array {
  const header = new Uint8Array(BLOCK);
  const write = (offset: number, text: string) => header.set(new TextEncoder().encode(text), offset);
  const octal = (value: number, width: number) => value.toString(8).padStart(width, "0") + "\0";
  write(0, name);
  write(100, octal(0o644, 7));
  write(108, octal(0, 7));
  write(116, octal(0, 7));
  write(124, octal(size ?? data.length, 11));
  if (binarySize !== undefined) {
    header.fill(0, 124, 136);
    header[124] = 0x80;
    new DataView(header.buffer).setBigUint64(128, BigInt(binarySize));
  }
  write(136, octal(0, 11));
  write(148, "        ");
  write(156, type);
  write(257, "ustar\x0000");
  write(148, octal(header.reduce((sum, byte) => sum + byte, 0), 6) + " ");
  return concatenate([header, data, new Uint8Array((BLOCK - data.length % BLOCK) % BLOCK)]);
}

/** The files of an archive, as the system's own tar unpacks them. */
export function readTar(path: string): Map<string, Uint8Array> {
  const folder = Deno.makeTempDirSync({ prefix: "unpacked-" });
  try {
    const { success, stderr } = new Deno.Command("tar", { args: ["-xf", path, "-C", folder] }).outputSync();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
    const files = new Map<string, Uint8Array>();
    const visit = (below: string): void => {
      for (const { name, isDirectory } of Deno.readDirSync(`${folder}/${below}`)) {
        if (isDirectory) visit(`${below}${name}/`);
        else files.set(`${below}${name}`, Deno.readFileSync(`${folder}/${below}${name}`));
      }
    };
    visit("");
    return files;
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}
