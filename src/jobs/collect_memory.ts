/** What the server remembers from one run of the collection to the next, and tells those who ask how it goes. */
import type { Clock } from "../ports/clock.ts";
import { AgeWatch } from "./age_watch.ts";
import type { CollectReport, GarbageKind } from "./collect_report.ts";
import { FirstSeen } from "./first_seen.ts";

/** All runs since the start. */
export interface CollectTotals {
  readonly runs: number;
  readonly counts: Readonly<Partial<Record<GarbageKind, number>>>;
  readonly bytes_freed: number;
}

/** A run that has ended. */
export interface PastCollect {
  /** When it ended, in ms since the epoch. */
  readonly at: number;
  readonly report: Omit<CollectReport, "items" | "dry_run">;
}

export class CollectMemory {
  readonly #clock: Clock;
  /** ms since some moment, of a clock that nobody sets. */
  readonly #elapsed: () => number;
  #watch: AgeWatch;
  readonly #orphans: FirstSeen;
  readonly #strays: FirstSeen;
  #straysAt: number | undefined;
  readonly #uploads: FirstSeen;
  #endedAt: number | undefined;
  #last: PastCollect | undefined;
  #totals: CollectTotals = { runs: 0, counts: {}, bytes_freed: 0 };

  constructor(clock: Clock, graceMs: number, elapsed = () => performance.now()) {
    this.#clock = clock;
    this.#elapsed = elapsed;
    this.#watch = new AgeWatch(clock, elapsed, graceMs);
    this.#orphans = new FirstSeen(elapsed);
    this.#strays = new FirstSeen(elapsed);
    this.#uploads = new FirstSeen(elapsed);
  }

  /** Knows how old things are. */
  get watch(): AgeWatch {
    return this.#watch;
  }

  get last(): PastCollect | undefined {
    return this.#last;
  }

  get totals(): CollectTotals {
    return this.#totals;
  }

  /** Begins anew where the grace has changed: what clients were told until now counted on the former one. */
  useGrace(graceMs: number): void {
    if (this.#watch.longestMs !== graceMs) this.#watch = new AgeWatch(this.#clock, this.#elapsed, graceMs);
  }

  /** ms since the last run ended; undefined before the first one. */
  get sinceLast(): number | undefined {
    return this.#endedAt === undefined ? undefined : this.#elapsed() - this.#endedAt;
  }

  /** Of the uploads that {@linkcode keepSlowPushes} looks at. */
  get uploads(): FirstSeen {
    return this.#uploads;
  }

  /** Begins a look for orphans: gives for how many ms one has been there in every look. */
  lookForOrphans(): (orphan: string) => number {
    this.#orphans.beginLook();
    return (orphan) => this.#orphans.see(orphan);
  }

  /** The same for strays; undefined within `pauseMs` of the look before. */
  lookForStrays(pauseMs: number): ((path: string) => number) | undefined {
    const elapsed = this.#elapsed();
    if (this.#straysAt !== undefined && elapsed - this.#straysAt < pauseMs) return undefined;
    this.#straysAt = elapsed;
    this.#strays.beginLook();
    return (path) => this.#strays.see(path);
  }

  endRun({ items: _, dry_run: __, ...report }: CollectReport): void {
    this.#endedAt = this.#elapsed();
    this.#last = { at: this.#clock.now(), report };
    const counts = { ...this.#totals.counts };
    for (const [kind, count] of Object.entries(report.counts) as [GarbageKind, number][]) {
      counts[kind] = (counts[kind] ?? 0) + count;
    }
    this.#totals = {
      runs: this.#totals.runs + 1,
      counts,
      bytes_freed: this.#totals.bytes_freed + report.bytes_freed,
    };
  }
}
