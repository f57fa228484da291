/** A file that only takes up room: given up when the disk is full, so that deletes can be written, and made again after. */
import { statfsSync } from "node:fs";
import { randomBytes } from "node:crypto";
import { dirname } from "node:path";

/** Bytes of the ballast of a data directory. */
export const BALLAST_SIZE = 64 * 1024 * 1024;

/** ms between two looks whether there is room for it again. */
const LOOK_EVERY = 1000;

/** Bytes written at once. */
const BLOCK = 1024 * 1024;

export class Ballast {
  readonly #path: string;
  readonly #size: number;
  readonly #spare: number;
  #state: "missing" | "being made" | "there" = "missing";
  #making: Promise<void> = Promise.resolve();
  #nextLook = 0;

  /**
   * @param size bytes; a file of another size at `path` is made anew by the next `keep()`
   * @param spare bytes that have to stay free beside a file that is made: its size at most, and an eighth of it at least, or it
   * would come and go on a disk that is full
   */
  constructor(path: string, size: number = BALLAST_SIZE, spare: number = size) {
    this.#path = path;
    this.#size = size;
    this.#spare = Math.min(size, Math.max(spare, size / 8));
    if (this.#isWhole()) this.#state = "there";
  }

  /**
   * True when the file is there. When it is missing and there is room for it, it is made meanwhile, without holding up the
   * caller; whether it is there, and whether there is room, is looked at once a second at most. Never throws.
   */
  keep(): boolean {
    if (this.#state !== "being made" && performance.now() >= this.#nextLook) {
      this.#nextLook = performance.now() + LOOK_EVERY;
      // Whoever looks for room on a full disk finds it first, and removes it.
      this.#state = this.#isWhole() ? "there" : "missing";
      if (this.#state === "missing" && this.#hasRoom()) this.#making = this.#make();
    }
    return this.#state === "there";
  }

  /** Resolves when the file is not being made any more. */
  async settled(): Promise<void> {
    await this.#making;
  }

  /** Removes the file; false when there was none to give up, or it cannot be removed. Never throws. */
  giveUp(): boolean {
    if (this.#state !== "there") return false;
    this.#state = "missing";
    this.#nextLook = performance.now() + LOOK_EVERY;
    try {
      Deno.removeSync(this.#path);
      return true;
    } catch {
      return false;
    }
  }

  #isWhole(): boolean {
    try {
      return Deno.statSync(this.#path).size === this.#size;
    } catch {
      return false;
    }
  }

  #hasRoom(): boolean {
    try {
      const { bavail, bsize } = statfsSync(dirname(this.#path));
      return bavail * bsize >= this.#size + this.#spare;
    } catch {
      return false;
    }
  }

  /** No sync: the room is taken with the write, and what a power cut takes from the file is made again at the start. */
  async #make(): Promise<void> {
    this.#state = "being made";
    // Random, since a file system that compresses would make zeros take no room.
    const block = randomBytes(Math.min(BLOCK, this.#size));
    try {
      using file = await Deno.open(this.#path, { write: true, create: true, truncate: true, mode: 0o600 });
      for (let left = this.#size; left > 0;) left -= await file.write(block.subarray(0, left));
      this.#state = "there";
    } catch {
      // Somebody else took the room meanwhile.
      await Deno.remove(this.#path).catch(() => {});
      this.#state = "missing";
    }
  }
}
