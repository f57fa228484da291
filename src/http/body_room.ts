/** Room in memory for bodies that are read whole: large ones wait for each other, small ones for nobody. */
import { OciError } from "../core/oci_error.ts";

/** Bytes of a body that need no room: nearly every manifest is smaller. */
export const SMALL_BODY = 256 * 1024;

/** ms that a body may wait for room before its client is told to come back. */
const PATIENCE_MS = 30_000;

/**
 * ms that a body keeps its room whoever waits, and the bytes a second at which it must have come to keep it for longer. A
 * client that sends as slowly as it may would keep the others out for more than an hour.
 */
const HOLD_MS = 2000;
const SLOWEST = 128 * 1024;

/** Seconds after which a refused client may come back. */
const RETRY_AFTER_S = 5;

export interface BodyRoomTimes {
  readonly patienceMs?: number;
  readonly holdMs?: number;
  /** ms of a clock that only goes on. */
  readonly now?: () => number;
}

/** Room that a body has; disposing of it gives it back. */
export interface Lease extends Disposable {
  /** To be called as the body comes. @throws {OciError} UNAVAILABLE when it comes too slowly and others wait */
  requireTurn(received: number): void;
}

interface Waiting {
  readonly bytes: number;
  readonly go: () => void;
}

export class BodyRoom {
  readonly #size: number;
  readonly #patienceMs: number;
  readonly #holdMs: number;
  readonly #now: () => number;
  #free: number;
  /** In the order in which they came, so that a large one is not passed by smaller ones for ever. */
  readonly #waiting = new Set<Waiting>();

  /** @param size bytes in all; a body that is larger takes all of it */
  constructor(
    size: number,
    { patienceMs = PATIENCE_MS, holdMs = HOLD_MS, now = () => performance.now() }: BodyRoomTimes = {},
  ) {
    this.#size = size;
    this.#patienceMs = patienceMs;
    this.#holdMs = holdMs;
    this.#now = now;
    this.#free = size;
  }

  /**
   * Takes room, when it is this body's turn, until the result is disposed.
   *
   * @throws {OciError} UNAVAILABLE when others kept it too long
   */
  async take(bytes: number): Promise<Lease> {
    const taken = Math.min(bytes, this.#size);
    if (this.#waiting.size > 0 || this.#free < taken) await this.#wait(taken);
    else this.#free -= taken;
    const since = this.#now();
    return {
      requireTurn: (received) => {
        const allowedMs = this.#holdMs + received / SLOWEST * 1000;
        if (this.#waiting.size === 0 || this.#now() - since <= allowedMs) return;
        throw noRoom("it comes too slowly while others wait");
      },
      [Symbol.dispose]: () => {
        this.#free += taken;
        this.#admit();
      },
    };
  }

  async #wait(bytes: number): Promise<void> {
    const turn = Promise.withResolvers<void>();
    const waiting: Waiting = { bytes, go: () => turn.resolve() };
    this.#waiting.add(waiting);
    const timer = setTimeout(() => {
      this.#waiting.delete(waiting);
      // Those behind it may fit where it did not.
      this.#admit();
      turn.reject(noRoom("too many large ones are being pushed"));
    }, this.#patienceMs);
    try {
      await turn.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #admit(): void {
    for (const waiting of this.#waiting) {
      if (waiting.bytes > this.#free) return;
      this.#waiting.delete(waiting);
      this.#free -= waiting.bytes;
      waiting.go();
    }
  }
}

function noRoom(why: string): OciError {
  return new OciError("UNAVAILABLE", {
    message: `Cannot take the manifest now: ${why}. Push it again`,
    headers: { "retry-after": String(RETRY_AFTER_S) },
  });
}
