/** A file that only takes up room: given up when the disk is full, so that deletes can be written, and made again after. */
import { statfsSync } from "node:fs";
import { randomBytes } from "node:crypto";

/** Bytes of the ballast of a data directory. */
export const BALLAST_SIZE = 64 * 1024 * 1024;

/** ms between two looks whether there is room for it again. */
const LOOK_EVERY = 1000;

/** Bytes written at once. */
const BLOCK = 1024 * 1024;

export class Ballast {
  readonly #path: string;
  readonly #size: number;
  #isThere = false;
  #nextLook = 0;

  /** @param size bytes; a file of another size at `path` is made anew by the next `keep()` */
  constructor(path: string, size: number = BALLAST_SIZE) {
    this.#path = path;
    this.#size = size;
    try {
      this.#isThere = Deno.statSync(path).size === size;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }

  /** Makes the file when it is missing and twice its size is free; true when it is there. Looks once a second at most. */
  keep(): boolean {
    if (this.#isThere) return true;
    const now = performance.now();
    if (now < this.#nextLook) return false;
    this.#nextLook = now + LOOK_EVERY;
    this.#isThere = this.#hasRoom() && this.#fill();
    return this.#isThere;
  }

  /** Removes the file; false when there was none to give up. */
  giveUp(): boolean {
    if (!this.#isThere) return false;
    this.#isThere = false;
    this.#nextLook = performance.now() + LOOK_EVERY;
    Deno.removeSync(this.#path);
    return true;
  }

  #hasRoom(): boolean {
    const { bavail, bsize } = statfsSync(this.#path.slice(0, this.#path.lastIndexOf("/")));
    return bavail * bsize >= 2 * this.#size;
  }

  /** No sync: the room is taken with the write, and what a power cut takes from the file is made again at the start. */
  #fill(): boolean {
    // Random, since a file system that compresses would make zeros take no room.
    const block = randomBytes(Math.min(BLOCK, this.#size));
    try {
      using file = Deno.openSync(this.#path, { write: true, create: true, truncate: true, mode: 0o600 });
      for (let left = this.#size; left > 0;) left -= file.writeSync(block.subarray(0, left));
      return true;
    } catch {
      // Somebody else took the room meanwhile.
      try {
        Deno.removeSync(this.#path);
      } catch {
        // Not made at all.
      }
      return false;
    }
  }
}
