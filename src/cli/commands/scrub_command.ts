/** `scrub`: by the server's schedule, or when somebody asks; one at a time, and none begins from the start without need. */
import { countOf, describeCounts, type ScrubReport } from "../../jobs/scrub_report.ts";
import { readScrubMemory } from "../../jobs/scrub_run.ts";
import type { ScrubProgress } from "../../jobs/scrub_work.ts";
import type { ControlAnswer, ControlArguments, ControlCaller } from "../../server/control_socket.ts";
import type { DataWork } from "./data_command.ts";
import type { Job } from "../schedule.ts";
import { runScrub, scrubMemoryOf, type ScrubOptions } from "./scrub_job.ts";
import { scrubInThread } from "../threads/scrub_worker.ts";

/** Name of the job and of the command. */
export const SCRUB = "scrub";

/** ms between two looks whether a scrub is due, at most: an interval is longer than most servers run. */
const LOOK_EVERY_MS = 60 * 60 * 1000;

/** ms after the start in which a scrub that was cut by the last stop goes on. */
const FIRST_LOOK_MS = 5 * 60 * 1000;

/** ms until a file that nobody names is looked at again. */
const SETTLE_MS = 5000;

/** Stops the scrub that the schedule runs, for somebody who asks and goes on where it was. */
const scheduled = new WeakMap<DataWork, AbortController>();

/** The command, in the server or without one. Its report is the answer. */
export async function runScrubCommand(
  work: DataWork,
  { repair, restart, rate }: ControlArguments,
  { progress, signal }: ControlCaller,
): Promise<ControlAnswer> {
  const running = scheduled.get(work);
  if (running !== undefined) {
    running.abort();
    await work.schedule.ended(SCRUB);
  }
  const report = await work.schedule.runAlone(SCRUB, () =>
    run(
      work,
      {
        repair: repair === true,
        restart: restart === true,
        rate: typeof rate === "number" && rate >= 0 ? rate : work.settings.scrub.rate,
      },
      AbortSignal.any([signal, work.schedule.stopping]),
      progress,
    ));
  return { ...report };
}

/** The job of the server: looks whether a scrub is due, or was stopped before its end. */
export function scrubJob(work: DataWork): Job {
  const { intervalMs } = work.settings.scrub;
  return {
    // A name of its own: most looks find nothing to do, and are no runs of a scrub.
    name: "look whether a scrub is due",
    intervalMs: Math.min(intervalMs, LOOK_EVERY_MS),
    atStart: false,
    firstMs: Math.min(intervalMs, FIRST_LOOK_MS),
    run: () => runWhenDue(work),
  };
}

/** A line for `status`. */
export async function describeLastScrub({ layout, clock }: DataWork): Promise<string> {
  const { last, place } = await readScrubMemory(scrubMemoryOf(layout), clock);
  const now = place === undefined ? "" : `, one is under way (${place.part})`;
  if (last === undefined) return `none has ended yet${now}`;
  return `ended ${new Date(last.endedAt).toISOString()}: ${describeCounts(last.counts)}${now}`;
}

async function runWhenDue(work: DataWork): Promise<void> {
  const { layout, clock, schedule } = work;
  const { intervalMs, rate } = work.settings.scrub;
  const memory = scrubMemoryOf(layout);
  const content = await readScrubMemory(memory, clock);
  // A time of the future is of another clock.
  const last = Math.min(content.last?.endedAt ?? content.since, clock.now());
  if (content.place === undefined && clock.now() - last < intervalMs) {
    // Written down, or the first one would never be due where the server is restarted often.
    if (content.last === undefined) await memory.write(content);
    return;
  }
  const stop = new AbortController();
  scheduled.set(work, stop);
  try {
    const signal = AbortSignal.any([stop.signal, schedule.stopping]);
    const asked = { repair: false, restart: false, rate };
    await schedule.runAlone(SCRUB, () => run(work, asked, signal, () => {}));
  } finally {
    scheduled.delete(work);
  }
}

async function run(
  work: DataWork,
  asked: Pick<ScrubOptions, "repair" | "restart" | "rate">,
  signal: AbortSignal,
  progress: (progress: ScrubProgress) => void,
): Promise<ScrubReport> {
  const { layout, log, openWriter, removalHold, settings, withdrawals } = work;
  const options: ScrubOptions = {
    ...asked,
    mayLackBlobs: settings.global.allowMissingManifestReferences
      ? "all"
      : settings.repositories.flatMap(({ name, mirror }) => mirror === undefined ? [] : [name]),
    // Alone in the directory there is nobody to wait for.
    settleMs: openWriter === undefined ? 0 : SETTLE_MS,
  };
  if (openWriter === undefined) {
    const areRemovalsHeld = () => removalHold.isHeld;
    return await runScrub(layout, options, { log, signal, progress, areRemovalsHeld, withdrawals });
  }
  return await scrubInThread({
    start: {
      rootDir: layout.rootDir,
      options,
      writer: asked.repair ? openWriter().port : undefined,
      removals: removalHold.shared,
    },
    log,
    progress,
    signal,
  });
}

/** True when a scrub came to its end and found nothing. */
export function isClean({ complete, counts }: ScrubReport): boolean {
  return complete && countOf(counts) === 0;
}
