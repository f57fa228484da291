/** Removing blob files that no row names any more, now or, while somebody such as a backup still counts on them, later. */
import type { BlobFile } from "../../ports/blob_store.ts";

/** ms between two looks whether removals that were put off may be done. */
const LOOK_EVERY_MS = 1000;

/** Removals that one thread remembers; what is beyond them stays until strays are collected. */
const MOST_REMEMBERED = 100_000;

/**
 * A count of those who want no blob file removed, in memory that all threads share. Whoever takes it and then reads the
 * database finds every file that a row names until it lets go: a row goes before its file, and before each removal the
 * count is looked at.
 */
export class RemovalHold {
  readonly #count: Int32Array;

  /** @param shared what another thread's hold has as `shared`; new without it */
  constructor(readonly shared: SharedArrayBuffer = new SharedArrayBuffer(4)) {
    this.#count = new Int32Array(shared);
  }

  get isHeld(): boolean {
    return Atomics.load(this.#count, 0) > 0;
  }

  /** Puts removals off until the function that it gives is called. */
  take(): () => void {
    Atomics.add(this.#count, 0, 1);
    let taken = true;
    return () => {
      if (taken) Atomics.sub(this.#count, 0, 1);
      taken = false;
    };
  }
}

/** The removals of one thread. */
export class Removals {
  readonly #hold: RemovalHold;
  readonly #removeNow: (file: BlobFile) => Promise<void>;
  readonly #putOff = new Set<BlobFile>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(hold: RemovalHold, removeNow: (file: BlobFile) => Promise<void>) {
    this.#hold = hold;
    this.#removeNow = removeNow;
  }

  /** Removes the file, or remembers to do so. */
  async remove(file: BlobFile): Promise<void> {
    if (!this.#hold.isHeld) return await this.#removeNow(file);
    if (this.#putOff.size < MOST_REMEMBERED) this.#putOff.add(file);
    this.#plan();
  }

  /** A process that ends before leaves the files as strays. */
  #plan(): void {
    if (this.#timer !== undefined) return;
    const timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#hold.isHeld) this.#plan();
      else void this.#removePutOff();
    }, LOOK_EVERY_MS);
    Deno.unrefTimer(timer);
    this.#timer = timer;
  }

  async #removePutOff(): Promise<void> {
    // Those that are put off again meanwhile are for the next look: a set that grows while it is walked through has no end.
    const files = [...this.#putOff];
    this.#putOff.clear();
    for (const file of files) {
      // Whoever asked has its answer; a file that cannot be removed is a stray.
      await this.remove(file).catch(() => {});
    }
  }
}
