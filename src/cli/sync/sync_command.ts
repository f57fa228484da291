/** `sync`: copies content of other registries, by the server's schedule or when somebody asks; one run at a time. */
import type { Settings, SyncSettings } from "../../config/settings.ts";
import type { Copy, SyncReport } from "../../jobs/sync.ts";
import { sync } from "../../jobs/sync.ts";
import { isDue } from "../../core/sync_schedule.ts";
import type {
  ControlAnswer,
  ControlArguments,
  ControlCaller,
  Progress,
} from "../../server/control_socket.ts";
import type { DataWork } from "../commands/data_command.ts";
import type { Job } from "../schedule.ts";
import { registryOf } from "../commands/work_registry.ts";
import { copyOf, readAskedCopy } from "./sync_copies.ts";
import { SyncMemory } from "./sync_memory.ts";

/** Name of the job and of the command. */
export const SYNC = "sync";

/** ms between two looks whether a copy is due. */
const LOOK_EVERY_MS = 60_000;

/** ms after which a copy that failed is tried again, where its schedule would let it wait for longer. */
const RETRY_AFTER_MS = 15 * 60_000;

/** The command, in the server or without one: one copy that the arguments describe, else all that are configured. */
export async function runSyncCommand(
  work: DataWork,
  args: ControlArguments,
  { progress, signal }: ControlCaller,
): Promise<ControlAnswer> {
  const asked = args.from === undefined ? undefined : readAskedCopy(args, work.settings);
  const wanted = asked === undefined ? configuredCopies(work.settings, args.to) : [];
  const copies = asked === undefined ? wanted.map((one) => copyOf(one, work.settings)) : [asked];
  const dryRun = args.dry_run === true;
  const run = () => runCopies(work, copies, { dryRun, progress, signal });
  // A dry run changes nothing, so it may run beside anything.
  const report = dryRun ? await run() : await work.schedule.runAlone(SYNC, run);
  if (!dryRun && asked === undefined) await noteCopies(work, wanted, report);
  return { ...report };
}

/** The job of the server. A copy goes by the settings of the moment in which it begins. */
export function syncJob(work: DataWork): Job {
  return {
    // A name of its own: most looks find nothing to do, and are no runs.
    name: "look whether a copy is due",
    intervalMs: work.settings.syncs.length === 0 ? 0 : LOOK_EVERY_MS,
    atStart: true,
    run: () => runDueCopies(work),
  };
}

async function runDueCopies(work: DataWork): Promise<void> {
  const { settings, clock, schedule } = work;
  const memory = memoryOf(work);
  const known = await memory.read();
  const now = clock.now();
  const due = settings.syncs.filter((one) => {
    const { ended, failed } = known.of(one);
    if (failed !== undefined && now >= failed && now - failed < RETRY_AFTER_MS) return false;
    return isDue(one.schedule, ended, now);
  });
  if (due.length === 0) return;
  const copies = due.map((one) => copyOf(one, settings));
  const around = { dryRun: false, progress: () => {}, signal: schedule.stopping };
  const report = await schedule.runAlone(SYNC, () => runCopies(work, copies, around));
  await noteCopies(work, due, report);
}

interface Around {
  readonly dryRun: boolean;
  readonly progress: (progress: Progress) => void;
  readonly signal: AbortSignal;
}

async function runCopies(
  work: DataWork,
  copies: readonly Copy[],
  { dryRun, progress, signal }: Around,
): Promise<SyncReport> {
  const report = await sync({
    registry: registryOf(work),
    copies,
    dryRun,
    signal: AbortSignal.any([signal, work.schedule.stopping]),
    progress: ({ to }, done) => progress({ what: to, done, unit: "bytes" }),
  });
  for (const copy of report.copies) {
    if ("failed" in copy) work.log.error("cannot copy from another registry", { ...copy });
    else if (copy.refused > 0) work.log.warn("not everything came from another registry", { ...copy });
    else work.log.info("copied from another registry", { ...copy, refusals: undefined });
  }
  return report;
}

/** @throws {Error} when nothing is configured, or nothing for that repository */
function configuredCopies({ syncs }: Settings, to: unknown): readonly SyncSettings[] {
  const copies = to === undefined ? syncs : syncs.filter((one) => one.to === to);
  if (copies.length > 0) return copies;
  throw new Error(
    to === undefined
      ? "Nothing to copy: the configuration has no [[mirror]], and no --from was given"
      : `Nothing to copy: no [[mirror]] of the configuration goes to ${JSON.stringify(to)}`,
  );
}

async function noteCopies(
  work: DataWork,
  copies: readonly SyncSettings[],
  report: SyncReport,
): Promise<void> {
  const { clock, settings: { syncs: configured } } = work;
  await memoryOf(work).note(copies, report, { now: clock.now(), configured });
}

function memoryOf({ layout }: DataWork): SyncMemory {
  return new SyncMemory(layout.syncState);
}
