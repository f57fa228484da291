/** `collect`: lets go what nothing leads to any more, by the server's schedule or when somebody asks. */
import { isInWindow } from "../../core/daily_window.ts";
import { collect } from "../../jobs/collect.ts";
import type { Collect } from "../../jobs/collect_job.ts";
import type { CollectMemory } from "../../jobs/collect_memory.ts";
import { type CollectReport, GARBAGE_KINDS, type GarbageKind } from "../../jobs/collect_report.ts";
import { keepSlowPushes } from "../../jobs/keep_slow_pushes.ts";
import { announceAfterOf } from "../../registry/registry.ts";
import type {
  ControlAnswer,
  ControlArguments,
  ControlCaller,
  Progress,
} from "../../server/control_socket.ts";
import { DirectoryInspector } from "../../storage/files/directory_inspector.ts";
import { openForReading } from "../../storage/sqlite/open_database.ts";
import { SqliteScrubStore } from "../../storage/sqlite/sqlite_scrub_store.ts";
import { cutoffOfAge } from "./cutoff_of_age.ts";
import type { DataWork } from "./data_command.ts";
import type { Job } from "../schedule.ts";

/** Name of the job and of the command. */
export const COLLECT = "collect";

/** Longest pause between two looks at the clock, in ms. */
const LONGEST_TICK_MS = 60_000;

/** Longest pause between two looks for pushes that take long, in ms. */
const LONGEST_SLOW_PUSH_PAUSE_MS = 60 * 60_000;

/** A part of the grace; several looks fall into each grace. */
const TICKS_IN_GRACE = 32;

interface RunOptions {
  /** ms since the last use of what may go. */
  readonly graceMs: number;
  readonly dryRun: boolean;
  readonly progress?: (progress: Progress) => void;
  /** That of the caller. */
  readonly signal?: AbortSignal;
}

/** The command, in the server or without one. @throws {Error} for a grace that pushes under way could not live with */
export async function runCollectCommand(
  work: DataWork,
  args: ControlArguments,
  { progress, signal }: ControlCaller,
): Promise<ControlAnswer> {
  const { dry_run: dryRun, grace_ms: asked } = args;
  const graceMs = typeof asked === "number" ? asked : work.settings.collect.graceMs;
  if (dryRun === true) return { ...await runCollect(work, { graceMs, dryRun, progress, signal }) };
  if (work.collectMemory !== undefined) requireSafeGrace(graceMs, work.settings.collect.graceMs);
  const run = () => runCollect(work, { graceMs, dryRun: false, progress, signal });
  return { ...await work.schedule.runAlone(COLLECT, run) };
}

/** Clients count on what they were told; it is written down anew only when it is somewhat old. */
function requireSafeGrace(askedMs: number, graceMs: number): void {
  const shortestMs = 2 * announceAfterOf(graceMs);
  if (askedMs >= shortestMs) return;
  throw new Error(
    `Cannot collect with a grace of ${askedMs / 1000} s while the server runs: pushes under way count on ` +
      `${shortestMs / 1000} s at least`,
  );
}

async function runCollect(work: DataWork, options: RunOptions): Promise<CollectReport> {
  const { collectMemory: memory, clock } = work;
  // A dry run changes nothing, so it may judge by the clock alone.
  const cutoff = memory === undefined || options.dryRun
    ? clock.now() - options.graceMs
    : cutoffOf(memory, work, options.graceMs);
  if (cutoff === undefined) return nothingYet(memory!.msUntil(options.graceMs), clock.now());
  using unknown = new SqliteScrubStore(openForReading(work.layout.database));
  const report = await collect({ ...jobOf(work, options, cutoff), ...straysOf(work, options, unknown) });
  if (!options.dryRun) memory?.endRun(report);
  return report;
}

function cutoffOf(memory: CollectMemory, { clock, settings }: DataWork, graceMs: number): number | undefined {
  if (memory.msUntil(graceMs) > 0) return undefined;
  // The watch may know nothing that is older than the configured grace; beyond it the clock has to do.
  const known = memory.watch.cutoff(Math.min(graceMs, settings.collect.graceMs))!;
  return Math.min(known, clock.now() - graceMs);
}

function jobOf(
  work: DataWork,
  { dryRun, progress, signal }: RunOptions,
  usedBefore: number,
): Collect {
  const { metadata, inventory, garbage, blobs, log, clock, settings } = work;
  const now = clock.now();
  const { tagHistoryMs } = settings.global;
  return {
    metadata,
    inventory,
    garbage,
    blobs,
    log,
    limits: {
      usedBefore,
      historySince: tagHistoryMs > 0 ? cutoffOfAge(work, tagHistoryMs) : Number.MAX_SAFE_INTEGER,
    },
    now,
    dryRun,
    signal: AbortSignal.any([work.schedule.stopping, ...(signal === undefined ? [] : [signal])]),
    progress: (what, done) => progress?.({ what, done, unit: "items" }),
  };
}

/** Files are looked through less often than rows: there are many, and only a crash leaves strays. */
function straysOf(
  { layout, collectMemory: memory }: DataWork,
  { graceMs, dryRun, progress }: RunOptions,
  store: SqliteScrubStore,
): Pick<Collect, "strays"> {
  const byCommand = progress !== undefined;
  const seenFor = memory === undefined || dryRun
    ? () => Infinity
    : memory.lookForStrays(byCommand ? 0 : graceMs / 2);
  if (seenFor === undefined) return {};
  return {
    strays: { files: new DirectoryInspector(layout), store, isRipe: (path) => seenFor(path) >= graceMs },
  };
}

function nothingYet(waitMs: number, now: number): CollectReport {
  const at = new Date(now + waitMs).toISOString();
  return {
    dry_run: false,
    waits:
      `garbage goes from ${at} on, when the server has run for a whole grace on this data: clients count on what they were ` +
      "told before",
    counts: Object.fromEntries(GARBAGE_KINDS.map((kind) => [kind, 0])) as Record<GarbageKind, number>,
    bytes_freed: 0,
    ms: 0,
    items: [],
  };
}

/**
 * The job of the server: looks at the clock often, and collects when an interval is over, in the window, and when servers
 * have run on the data for a whole grace.
 */
export function collectJob(work: DataWork): Job {
  const { intervalMs, graceMs } = work.settings.collect;
  return {
    name: "clock of the collection",
    intervalMs: Math.ceil(Math.min(LONGEST_TICK_MS, intervalMs, graceMs / TICKS_IN_GRACE)),
    atStart: true,
    run: async () => {
      const { settings: { collect }, schedule, clock } = work;
      const memory = work.collectMemory!;
      memory.useGrace(collect.graceMs);
      await writeRecord(work, memory);
      if (!collect.enabled || (memory.sinceLast ?? Infinity) < collect.intervalMs) return;
      if (memory.msUntil(collect.graceMs) > 0) return;
      if (collect.window !== undefined && !isInWindow(collect.window, minuteOfDay(clock.now()))) return;
      await schedule.runAlone(COLLECT, () => runCollect(work, { graceMs: collect.graceMs, dryRun: false }));
    },
  };
}

/** So that a server which starts anew knows how old things are. */
async function writeRecord({ garbage, log }: DataWork, memory: CollectMemory): Promise<void> {
  try {
    const earliest = await garbage.writeRecord(memory.record());
    if (earliest !== undefined) memory.watch.note(earliest);
  } catch (error) {
    log.warn(
      "the collection could not write down how old things are; a restart now would keep garbage longer",
      {
        error,
      },
    );
  }
}

/** The job of the server that keeps what pushes which take long have brought. */
export function slowPushJob(work: DataWork): Job {
  const { graceMs } = work.settings.collect;
  return {
    name: "keeping of slow pushes",
    intervalMs: Math.ceil(Math.min(LONGEST_SLOW_PUSH_PAUSE_MS, graceMs / 8)),
    atStart: true,
    run: () =>
      keepSlowPushes({
        ...work,
        graceMs: work.settings.collect.graceMs,
        seen: work.collectMemory!.uploads,
      }),
  };
}

/** What the status tells: the last run, and all since the start. */
export function collectStatus({ collectMemory: memory, settings }: DataWork): unknown {
  const { last, totals } = memory!;
  const waitMs = memory!.msUntil(settings.collect.graceMs);
  return {
    enabled: settings.collect.enabled,
    ...(waitMs > 0 && { begins_in_seconds: Math.ceil(waitMs / 1000) }),
    ...(last !== undefined && { last: { at: new Date(last.at).toISOString(), ...last.report } }),
    totals,
  };
}

function minuteOfDay(ms: number): number {
  const time = new Date(ms);
  return time.getHours() * 60 + time.getMinutes();
}
