/** Room in memory for bodies that are read whole: large ones wait for each other, small ones for nobody; whoever has least is next. */
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

/** The room as one sender sees it. */
export interface Share {
  /**
   * Takes room, when it is this sender's turn, until the result is disposed.
   *
   * @throws {OciError} UNAVAILABLE when others kept it too long
   */
  take(bytes: number): Promise<Lease>;
}

interface Waiting {
  readonly sender: string;
  readonly bytes: number;
  readonly go: () => void;
}

export class BodyRoom {
  readonly #size: number;
  readonly #patienceMs: number;
  readonly #holdMs: number;
  readonly #now: () => number;
  #free: number;
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiting>();
  /** Bytes that each sender has now. */
  readonly #held = new Map<string, number>();

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

  /** @param sender a name that is the same for all requests of one client */
  shareOf(sender: string): Share {
    return { take: (bytes) => this.#take(sender, bytes) };
  }

  async #take(sender: string, bytes: number): Promise<Lease> {
    const taken = Math.min(bytes, this.#size);
    if (this.#waiting.size > 0 || this.#free < taken) await this.#wait(sender, taken);
    else this.#hold(sender, taken);
    const since = this.#now();
    return {
      requireTurn: (received) => {
        const allowedMs = this.#holdMs + received / SLOWEST * 1000;
        if (this.#waiting.size === 0 || this.#now() - since <= allowedMs) return;
        throw noRoom("it comes too slowly while others wait");
      },
      [Symbol.dispose]: () => {
        this.#hold(sender, -taken);
        this.#admit();
      },
    };
  }

  #hold(sender: string, bytes: number): void {
    this.#free -= bytes;
    const held = (this.#held.get(sender) ?? 0) + bytes;
    if (held > 0) this.#held.set(sender, held);
    else this.#held.delete(sender);
  }

  async #wait(sender: string, bytes: number): Promise<void> {
    const turn = Promise.withResolvers<void>();
    const waiting: Waiting = { sender, bytes, go: () => turn.resolve() };
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
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      // Smaller ones behind it do not pass: a large one would wait for ever.
      if (next.bytes > this.#free) return;
      this.#waiting.delete(next);
      this.#hold(next.sender, next.bytes);
      next.go();
    }
  }

  /** Of those who wait, the first of the sender that has least: many connections do not get a client more turns. */
  #next(): Waiting | undefined {
    let [next, least] = [undefined as Waiting | undefined, Infinity];
    for (const waiting of this.#waiting) {
      const held = this.#held.get(waiting.sender) ?? 0;
      if (held < least) [next, least] = [waiting, held];
      if (least === 0) break;
    }
    return next;
  }
}

function noRoom(why: string): OciError {
  return new OciError("UNAVAILABLE", {
    message: `Cannot take the manifest now: ${why}. Push it again`,
    headers: { "retry-after": String(RETRY_AFTER_S) },
  });
}
