/** Knows what was not used for a time, whatever happens to the machine's clock and however often the server starts. */
import type { Clock } from "../ports/clock.ts";

/** Differences between clock and running time, in ms, that count as one: clocks are kept right in small steps. */
const SAME_MS = 1000;

/** Stretches that are told apart. */
const MOST_STRETCHES = 128;

/** A stretch of running time, and what the clock was ahead of it at least and at most; all in ms. */
type Stretch = [begin: number, end: number, least: number, most: number];

/** What outlives the process. Plain values. */
export interface AgeRecord {
  /** ms that had run at the first look of all and at the last one. */
  readonly begin: number;
  readonly elapsed: number;
  readonly stretches: readonly Readonly<Stretch>[];
}

/** The record of a process before this one. */
export interface FormerAges {
  readonly record: AgeRecord;
  /** ms since the epoch: the earliest time that anything has which was written after the record. */
  readonly earliest: number;
}

export interface AgeWatchOptions {
  readonly clock: Clock;
  /** ms that all servers on the data have run, by a clock that nobody sets; goes on from where the record ends. */
  readonly elapsed: () => number;
  /** ms by which everything is taken for younger than it is. */
  readonly slackMs: number;
  readonly former?: FormerAges;
}

/**
 * What is written gets the time that the clock shows, and the clock may be set. So the age of something is not what the
 * clock says now less what it said then. But whatever was written within the last hour has a time that the clock showed
 * within that hour, and the earliest of those is known here: what has an earlier time is older than an hour. A clock that
 * is set ahead makes nothing old, and one that is set back keeps what was written before for longer. Time in which no
 * server runs does not count: nobody can push then.
 */
export class AgeWatch {
  readonly #clock: Clock;
  readonly #elapsed: () => number;
  readonly #slackMs: number;
  readonly #begin: number;
  readonly #stretches: Stretch[];
  #last: { readonly elapsed: number; readonly time: number };

  constructor({ clock, elapsed, slackMs, former }: AgeWatchOptions) {
    this.#clock = clock;
    this.#elapsed = elapsed;
    this.#slackMs = slackMs;
    this.#last = { elapsed: elapsed(), time: clock.now() };
    this.#begin = former?.record.begin ?? this.#last.elapsed;
    this.#stretches = former?.record.stretches.map((stretch) => [...stretch]) ?? [];
    if (former !== undefined) this.#add(former.record.elapsed, former.record.elapsed, former.earliest);
  }

  /** Looks at the clock; to be called often within the shortest age that will be asked for. */
  look(): void {
    const { elapsed: before, time: timeBefore } = this.#last;
    const [elapsed, time] = [this.#elapsed(), this.#clock.now()];
    this.#last = { elapsed, time };
    // Between two looks the clock was set once at most: it ran on from what it showed before, and up to what it shows now.
    this.#add(before, elapsed, before + Math.min(timeBefore - before, time - elapsed));
  }

  /** Hears of the earliest time, in ms since the epoch, that something has which was written since the look before the last. */
  note(earliest: number): void {
    const { elapsed } = this.#last;
    this.#add(elapsed, elapsed, earliest);
  }

  /**
   * A time in ms since the epoch such that whatever has an earlier one was not written within the last `ageMs` in which a
   * server ran. undefined until the watch has gone on for that long.
   */
  cutoff(ageMs: number): number | undefined {
    this.look();
    if (this.msUntil(ageMs) > 0) return undefined;
    const since = this.#last.elapsed - ageMs;
    const within = this.#stretches.filter(([, end]) => end >= since);
    return Math.min(...within.map(([begin, , least]) => Math.max(begin, since) + least)) - this.#slackMs;
  }

  /** ms until the watch has gone on for `ageMs`. */
  msUntil(ageMs: number): number {
    return Math.max(0, this.#begin + ageMs - this.#elapsed());
  }

  /**
   * What a later process needs, and the time in ms since the epoch from which on it has to be told of everything that is
   * written with an earlier one.
   */
  record(): { readonly record: AgeRecord; readonly lookedAt: number; readonly noteBefore: number } {
    this.look();
    const { elapsed, time } = this.#last;
    return {
      record: { begin: this.#begin, elapsed, stretches: this.#stretches.map((stretch) => [...stretch]) },
      lookedAt: time,
      noteBefore: time - this.#slackMs,
    };
  }

  /** @param earliest that the clock may have shown at `begin` */
  #add(begin: number, end: number, earliest: number): void {
    const ahead = earliest - begin;
    const last = this.#stretches.at(-1);
    if (last !== undefined && join(last, [begin, end, ahead, ahead], SAME_MS)) return;
    this.#stretches.push([begin, end, ahead, ahead]);
    if (this.#stretches.length > MOST_STRETCHES) this.#joinNearest();
  }

  /** Two that differ the least become one: what was written in the later of them then counts as older things do. */
  #joinNearest(): void {
    const differences = this.#stretches.slice(1).map(([, , least], i) =>
      Math.abs(least - this.#stretches[i]![2])
    );
    const nearest = differences.indexOf(Math.min(...differences));
    join(this.#stretches[nearest]!, this.#stretches[nearest + 1]!, Infinity);
    this.#stretches.splice(nearest + 1, 1);
  }
}

/** Lets a stretch take in the one after it, unless they differ by too much. */
function join(stretch: Stretch, [, end, low, high]: Readonly<Stretch>, mostMs: number): boolean {
  const [, , least, most] = stretch;
  if (Math.max(most, high) - Math.min(least, low) > mostMs) return false;
  stretch[1] = end;
  stretch[2] = Math.min(least, low);
  stretch[3] = Math.max(most, high);
  return true;
}
