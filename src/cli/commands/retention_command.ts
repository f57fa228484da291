/** `retention`: lets go what no rule keeps, by the server's schedule or when somebody asks. */
import type { Settings } from "../../config/settings.ts";
import { type RetentionReport, runRetention } from "../../jobs/run_retention.ts";
import { RetentionPolicies } from "../../policy/retention_policies.ts";
import type { ControlArguments, ControlCaller } from "../../server/control_socket.ts";
import { cutoffOfAge } from "./cutoff_of_age.ts";
import type { DataWork } from "./data_command.ts";
import { makeRepositoryRules } from "../repository_rules.ts";
import type { Job } from "../schedule.ts";

/** Name of the job and of the command. */
export const RETENTION = "retention";

interface RetentionArguments {
  readonly dryRun: boolean;
  readonly maxRemovalsPercent: number | undefined;
}

/** @throws {PolicyError} which the configuration's check has excluded */
function retain(
  work: DataWork,
  { dryRun, maxRemovalsPercent }: RetentionArguments,
  { progress, signal }: ControlCaller,
): Promise<RetentionReport> {
  const { settings, inventory, clock, log } = work;
  const { global } = settings;
  const rulesOf = makeRepositoryRules(settings);
  return runRetention({
    inventory,
    policies: retentionPoliciesOf(settings),
    mustStay(repository, tag) {
      const rules = rulesOf(repository);
      return !rules.allowsDeletingImmutable && rules.isImmutable(tag);
    },
    clock,
    log,
    historySince: global.tagHistoryMs > 0 ? cutoffOfAge(work, global.tagHistoryMs) : undefined,
    youngSince: cutoffOfAge(work, global.uploadExpiryMs),
    maxRemovalsPercent: maxRemovalsPercent ?? global.retention.maxRemovalsPercent,
    dryRun,
    signal: AbortSignal.any([work.schedule.stopping, signal]),
    progress: (what, done, total) =>
      progress({ what, done, unit: "items", ...(total !== undefined && { total }) }),
  });
}

export function retentionPoliciesOf({ global, repositories }: Settings): RetentionPolicies {
  return new RetentionPolicies({
    global: global.retention.rules,
    repositories: repositories.map(({ name, retentionRules }) => ({ name, rules: retentionRules })),
  });
}

/** The command, in the server or without one. */
export async function runRetentionCommand(
  work: DataWork,
  args: ControlArguments,
  caller: ControlCaller,
): Promise<Readonly<Record<string, unknown>>> {
  const { dry_run: dryRun, max_removals_percent: maxRemovalsPercent } = args;
  const run = () =>
    retain(work, {
      dryRun: dryRun === true,
      maxRemovalsPercent: typeof maxRemovalsPercent === "number" ? maxRemovalsPercent : undefined,
    }, caller);
  // A dry run changes nothing, so it may run beside anything.
  return { ...(dryRun === true ? await run() : await work.schedule.runAlone(RETENTION, run)) };
}

/** ms after the start in which the first run comes at the latest: a server that is restarted every night is to retain too. */
const FIRST_RUN_MS = 60 * 60 * 1000;

/** The job of the server. It judges by the settings of the moment in which it begins. */
export function retentionJob(work: DataWork): Job {
  const { intervalMs } = work.settings.global.retention;
  return {
    name: RETENTION,
    intervalMs,
    atStart: false,
    firstMs: Math.min(intervalMs, FIRST_RUN_MS),
    run: () =>
      retain(work, { dryRun: false, maxRemovalsPercent: undefined }, {
        progress() {},
        signal: work.schedule.stopping,
      }),
  };
}
