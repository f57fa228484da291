/** Keeps a minimum of the disk free, so that deletes and the database still have room when uploads do not. */
import { statfs } from "node:fs/promises";
import { OciError } from "../../core/oci_error.ts";

/** Bytes that may be written between two looks at the disk. */
const CHECK_EVERY = 64 * 1024 * 1024;

/** Bytes beyond the minimum that nobody writes while a look holds good. */
const AMPLE = 1024 * 1024 * 1024;

/** ms that a look holds good which found that much: it takes as long as much of a small push. */
const HOLDS_GOOD_MS = 100;

/** Watches the disk for all uploads of one thread together, so that many small pieces count like one large one. */
export class FreeSpace {
  readonly #path: string;
  readonly #minimum: number;
  readonly #look: typeof requireFreeSpace;
  #unchecked = 0;
  /** Until when there is room enough without a look. */
  #ampleUntil = -Infinity;

  /** @param minimum bytes to keep free on the file system of `path` */
  constructor(path: string, minimum: number, look = requireFreeSpace) {
    this.#path = path;
    this.#minimum = minimum;
    this.#look = look;
  }

  /** Looks now, unless a look just found far more than is needed. @throws {OciError} INSUFFICIENT_STORAGE */
  async require(): Promise<void> {
    const now = performance.now();
    if (now < this.#ampleUntil) return;
    const free = await this.#look(this.#path, this.#minimum);
    this.#ampleUntil = free - this.#minimum >= AMPLE ? now + HOLDS_GOOD_MS : -Infinity;
    this.#unchecked = 0;
  }

  /** Counts bytes that are written whatever is free, since they are accepted already. */
  count(bytes: number): void {
    this.#unchecked += bytes;
  }

  /** Looks when 64 MiB have been written since the last look that was content. @throws {OciError} INSUFFICIENT_STORAGE */
  async spend(bytes: number): Promise<void> {
    this.count(bytes);
    if (this.#unchecked >= CHECK_EVERY) await this.require();
  }
}

/**
 * Refuses when less than `minimum` bytes are free for this process on the file system of `path`.
 *
 * @returns the bytes that are free
 * @throws {OciError} INSUFFICIENT_STORAGE
 */
export async function requireFreeSpace(path: string, minimum: number): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  const free = bavail * bsize;
  if (free >= minimum) return free;
  throw new OciError("INSUFFICIENT_STORAGE", {
    message: `Cannot take more content: ${mebibytes(free)} MiB are free, ` +
      `the registry keeps ${mebibytes(minimum)} MiB free. Delete content or enlarge the disk`,
  });
}

function mebibytes(bytes: number): number {
  return Math.floor(bytes / 1024 / 1024);
}
