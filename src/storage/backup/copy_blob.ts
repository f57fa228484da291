/** One blob file of a backup: the same file under a second name where that can be, else a copy that was hashed on the way. */
import { createHash } from "node:crypto";
import { algorithmOf, makeDigest } from "../../core/digest.ts";
import type { BlobRecord } from "../../ports/scrub_store.ts";
import { openIfThere } from "../files/open_if_there.ts";
import { readFully } from "../files/read_chunks.ts";
import { writeFully } from "../files/write_fully.ts";

/** Bytes read at once. */
const CHUNK = 1024 * 1024;

/** How a name could not be given to a file that is there. */
export type LinkRefusal =
  /** The file has as many names as it can have. */
  | "full"
  /** No file of that folder can have a name here: another file system, or one without links. */
  | "never";

export type LinkOutcome = "linked" | "missing" | LinkRefusal;

/** Gives the file at `from` a second name; whatever else the system says is thrown. */
export function linkFile(from: string, to: string): LinkOutcome {
  try {
    Deno.linkSync(from, to);
    return "linked";
  } catch (error) {
    switch ((error as { code?: string }).code) {
      case "ENOENT":
        return "missing";
      case "EMLINK":
        return "full";
      case "EXDEV":
      case "EPERM":
      case "EOPNOTSUPP":
      case "ENOSYS":
        return "never";
      default:
        throw error;
    }
  }
}

/** What is wrong with a blob file, in words; undefined for nothing that could be seen. */
export type BlobFault = string | undefined;

/**
 * Copies a file, durably, for the owner only. A damaged one is copied as it is: what is left of it may be of use.
 *
 * @param passed told of bytes that were copied
 * @returns "missing" where there is none
 */
export async function copyFile(
  from: string,
  to: string,
  { digest, size }: BlobRecord,
  passed: (bytes: number) => void,
): Promise<BlobFault> {
  using source = await openIfThere(from);
  if (source === undefined) return MISSING;
  using target = await Deno.open(to, { write: true, createNew: true, mode: 0o600 });
  const algorithm = algorithmOf(digest);
  const hash = createHash(algorithm);
  const buffer = new Uint8Array(Math.min(CHUNK, size + 1));
  let copied = 0;
  for (let read = await readFully(source, buffer); read > 0; read = await readFully(source, buffer)) {
    const piece = buffer.subarray(0, read);
    hash.update(piece);
    await writeFully(target, piece);
    copied += read;
    passed(read);
  }
  await target.syncData();
  if (copied !== size) return wrongSize(copied, size);
  return makeDigest(algorithm, hash.digest("hex")) === digest ? undefined : "its bytes have another digest";
}

export const MISSING = "its file is not there";

export function wrongSize(actual: number, expected: number): string {
  return `its file has ${actual} bytes, expected ${expected}`;
}
