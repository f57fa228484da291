/** Knows what was not used for a time, whatever happens to the machine's clock meanwhile. */
import type { Clock } from "../ports/clock.ts";

/** Stretches of time that are told apart within the longest age. */
const STRETCHES = 64;

/** A stretch of time and the earliest that the clock can have shown in it. */
interface Stretch {
  /** ms that had run when it began and when it ended. */
  readonly begin: number;
  end: number;
  /** ms since the epoch. */
  earliest: number;
}

/**
 * What is written gets the time that the clock shows, and the clock may be set. So the age of something is not what the
 * clock says now less what it said then. But whatever was written within the last hour has a time that the clock showed
 * within that hour, and the earliest of those is known here: what has an earlier time is older than an hour. A clock that
 * is set ahead makes nothing old, and one that is set back keeps what was written before for longer.
 */
export class AgeWatch {
  readonly #clock: Clock;
  readonly #elapsed: () => number;
  readonly #longestMs: number;
  readonly #begin: number;
  readonly #stretches: Stretch[] = [];
  #last: { readonly elapsed: number; readonly time: number };

  /**
   * @param elapsed ms since some moment, of a clock that nobody sets
   * @param longestMs the longest age that will be asked for
   */
  constructor(clock: Clock, elapsed: () => number, longestMs: number) {
    this.#clock = clock;
    this.#elapsed = elapsed;
    this.#longestMs = longestMs;
    this.#begin = elapsed();
    this.#last = { elapsed: this.#begin, time: clock.now() };
  }

  get longestMs(): number {
    return this.#longestMs;
  }

  /** Looks at the clock; to be called often within the shortest age that will be asked for. */
  look(): void {
    const [elapsed, time] = [this.#elapsed(), this.#clock.now()];
    const { elapsed: before, time: timeBefore } = this.#last;
    this.#last = { elapsed, time };
    // Between two looks the clock was set once at most: it ran on from what it showed before, and up to what it shows now.
    const earliest = Math.min(timeBefore, time - (elapsed - before));
    const latest = this.#stretches.at(-1);
    if (latest !== undefined && elapsed - latest.begin < this.#longestMs / STRETCHES) {
      latest.end = elapsed;
      latest.earliest = Math.min(latest.earliest, earliest);
    } else {
      this.#stretches.push({ begin: before, end: elapsed, earliest });
    }
    while (this.#stretches[0]!.end <= elapsed - this.#longestMs) this.#stretches.shift();
  }

  /**
   * A time in ms since the epoch such that whatever has an earlier one was not written within the last `ageMs`.
   * undefined until the watch has gone on for that long.
   */
  cutoff(ageMs: number): number | undefined {
    this.look();
    if (this.msUntil(ageMs) > 0) return undefined;
    const since = this.#last.elapsed - ageMs;
    const within = this.#stretches.filter(({ end }) => end > since);
    return Math.min(this.#last.time, ...within.map(({ earliest }) => earliest));
  }

  /** ms until the watch has gone on for `ageMs`. */
  msUntil(ageMs: number): number {
    return Math.max(0, this.#begin + ageMs - this.#elapsed());
  }
}
