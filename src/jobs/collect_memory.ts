/** What the server remembers from one run of the collection to the next, also over restarts, and tells those who ask. */
import type { Clock } from "../ports/clock.ts";
import { type AgeRecord, AgeWatch } from "./age_watch.ts";
import type { CollectReport, GarbageKind } from "./collect_report.ts";
import { FirstSeen, type Sighting } from "./first_seen.ts";

/** Version of {@linkcode CollectRecord}; another one is as good as none. */
const VERSION = 1;

/** Strays that outlive a restart. */
const MOST_STRAYS = 200;

/** Most by which things are taken for younger than they are, in ms, and the part of the grace that is enough. */
const LONGEST_SLACK_MS = 60_000;
const SLACK_IN_GRACE = 16;

/** What outlives the process. Plain values; times are ms that all servers on the data have run. */
interface CollectRecord {
  readonly version: typeof VERSION;
  readonly graceMs: number;
  readonly graceSince: number;
  readonly ages: AgeRecord;
  readonly endedAt?: number;
  readonly straysAt?: number;
  readonly strays: readonly Sighting[];
}

/** What a process before this one left. */
export interface FormerCollects {
  /** As {@linkcode CollectMemory.record} gave it. */
  readonly record: string;
  /** ms since the epoch: the earliest time that anything has which was written after the record. */
  readonly earliest: number;
}

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

export interface CollectMemoryOptions {
  readonly clock: Clock;
  readonly graceMs: number;
  /** ms since some moment, of a clock that nobody sets. */
  readonly elapsed?: () => number;
  readonly former?: FormerCollects | undefined;
}

export class CollectMemory {
  readonly #clock: Clock;
  /** ms that all servers on the data have run. */
  readonly #elapsed: () => number;
  readonly #watch: AgeWatch;
  #graceMs: number;
  #graceSince: number;
  readonly #strays: FirstSeen;
  #straysAt: number | undefined;
  readonly #uploads: FirstSeen;
  #endedAt: number | undefined;
  #last: PastCollect | undefined;
  #totals: CollectTotals = { runs: 0, counts: {}, bytes_freed: 0 };

  constructor({ clock, graceMs, elapsed = () => performance.now(), former }: CollectMemoryOptions) {
    const record = former && readRecord(former.record);
    const start = elapsed();
    const before = record?.ages.elapsed ?? 0;
    this.#clock = clock;
    this.#elapsed = () => before + elapsed() - start;
    this.#watch = new AgeWatch({
      clock,
      elapsed: this.#elapsed,
      // A whole number, since times are.
      slackMs: Math.min(LONGEST_SLACK_MS, Math.ceil(graceMs / SLACK_IN_GRACE)),
      ...(record && { former: { record: record.ages, earliest: former!.earliest } }),
    });
    this.#graceMs = record?.graceMs ?? graceMs;
    this.#graceSince = record?.graceSince ?? before;
    this.#endedAt = record?.endedAt;
    this.#straysAt = record?.straysAt;
    this.#strays = new FirstSeen(this.#elapsed, record?.strays);
    this.#uploads = new FirstSeen(this.#elapsed);
    this.useGrace(graceMs);
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

  /** Where the grace has changed a whole one passes first: what clients were told until now counted on the former one. */
  useGrace(graceMs: number): void {
    if (this.#graceMs === graceMs) return;
    this.#graceMs = graceMs;
    this.#graceSince = this.#elapsed();
  }

  /** ms until something may go that was not used for `ageMs`: for as long servers have to have run on the data. */
  msUntil(ageMs: number): number {
    const age = Math.min(ageMs, this.#graceMs);
    return Math.max(this.#watch.msUntil(age), this.#graceSince + age - this.#elapsed(), 0);
  }

  /** ms since the last run ended; undefined before the first one. */
  get sinceLast(): number | undefined {
    return this.#endedAt === undefined ? undefined : this.#elapsed() - this.#endedAt;
  }

  /** Of the uploads that {@linkcode keepSlowPushes} looks at. */
  get uploads(): FirstSeen {
    return this.#uploads;
  }

  /**
   * Begins a look for strays: gives for how many ms one has been there in every look; undefined within `pauseMs` of the look
   * before.
   */
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

  /** What a later process needs, with the times of {@linkcode AgeWatch.record}. */
  record(): { readonly record: string; readonly lookedAt: number; readonly noteBefore: number } {
    const { record: ages, ...times } = this.#watch.record();
    const record: CollectRecord = {
      version: VERSION,
      graceMs: this.#graceMs,
      graceSince: this.#graceSince,
      ages,
      ...(this.#endedAt !== undefined && { endedAt: this.#endedAt }),
      ...(this.#straysAt !== undefined && { straysAt: this.#straysAt }),
      strays: this.#strays.list(MOST_STRAYS),
    };
    return { record: JSON.stringify(record), ...times };
  }
}

function readRecord(text: string): CollectRecord | undefined {
  const record = JSON.parse(text) as CollectRecord;
  return record.version === VERSION ? record : undefined;
}
