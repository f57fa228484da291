/** Who has an upload session, which need not have a file that can be locked: threads agree in memory that they share. */
import type { UploadSessionId } from "../../core/upload_session_id.ts";

/** Several times as many as clients that write at the same time. */
const SLOTS = 32 * 1024;

/** Slots that a session can have, from its first one on. */
const WINDOW = 16;

/** Set in the key of a session that was removed while somebody had it. */
const REMOVED = 1 << 31;

/**
 * A table of the sessions that are claimed, each by 31 of its random bits in a place that 15 others choose: two sessions that
 * are taken for one are rarer than a disk that lies, and make one of them wait.
 */
export class UploadClaims {
  readonly #keys: Int32Array;
  readonly #owners: Int32Array;
  readonly #owner: number;

  /**
   * @param owner number of the thread among those that may end before the process, from 0 on; -1 for any other
   * @param shared what another thread's claims have as `shared`; new without it
   */
  constructor(
    owner = -1,
    readonly shared: SharedArrayBuffer = new SharedArrayBuffer(2 * SLOTS * Int32Array.BYTES_PER_ELEMENT),
  ) {
    this.#owner = owner + 1;
    this.#keys = new Int32Array(shared, 0, SLOTS);
    this.#owners = new Int32Array(shared, SLOTS * Int32Array.BYTES_PER_ELEMENT, SLOTS);
  }

  /** undefined when somebody else has the session. */
  take(id: UploadSessionId): UploadClaim | undefined {
    const key = keyOf(id);
    const slots = slotsOf(id);
    const free = slots.find((slot) => Atomics.compareExchange(this.#keys, slot, 0, key) === 0);
    if (free === undefined) return undefined;
    // Two that come at the same moment can have found different slots. Each looks after it has put its own there, so at least one
    // of them sees the other, and gives way.
    if (slots.some((slot) => slot !== free && this.#holds(slot, key))) {
      Atomics.store(this.#keys, free, 0);
      return undefined;
    }
    Atomics.store(this.#owners, free, this.#owner);
    return {
      isRemoved: () => (Atomics.load(this.#keys, free) & REMOVED) !== 0,
      release: () => {
        Atomics.store(this.#owners, free, 0);
        Atomics.store(this.#keys, free, 0);
      },
    };
  }

  isTaken(id: UploadSessionId): boolean {
    const key = keyOf(id);
    return slotsOf(id).some((slot) => this.#holds(slot, key));
  }

  /** Lets whoever has the session know that it is gone. Its file, where it has one by now, is the caller's to remove after that. */
  tellRemoval(id: UploadSessionId): void {
    const key = keyOf(id);
    for (const slot of slotsOf(id)) Atomics.compareExchange(this.#keys, slot, key, key | REMOVED);
  }

  /** Gives back what a thread had that has ended. */
  releaseAllOf(owner: number): void {
    for (const [slot, of] of this.#owners.entries()) {
      if (of !== owner + 1) continue;
      Atomics.store(this.#owners, slot, 0);
      Atomics.store(this.#keys, slot, 0);
    }
  }

  #holds(slot: number, key: number): boolean {
    return (Atomics.load(this.#keys, slot) & ~REMOVED) === key;
  }
}

/** The right to a session. */
export interface UploadClaim {
  /** True when the session was cancelled or has expired meanwhile. */
  isRemoved(): boolean;
  /** Once. */
  release(): void;
}

/** Never 0, and without the bit of {@linkcode REMOVED}. */
function keyOf(id: UploadSessionId): number {
  return (parseInt(id.slice(0, 8), 16) & ~REMOVED) || 1;
}

function slotsOf(id: UploadSessionId): number[] {
  const first = parseInt(id.slice(9, 13), 16);
  return Array.from({ length: WINDOW }, (_, i) => (first + i) % SLOTS);
}
