/** The command line of `sync`: from options to the command, a bar on the terminal, and its report in words. */
import type { Settings } from "../../config/settings.ts";
import { formatCount } from "../../core/format_count.ts";
import { type CopyFailure, type CopyReport, isWhole, type SyncReport } from "../../jobs/sync.ts";
import { type CommandText, inJson } from "../commands/ask_data.ts";
import { type DataCommands, runDataCommand } from "../commands/data_command.ts";
import { describeArrivals, describeRefusals } from "../commands/describe_arrivals.ts";
import { readOptions } from "../options.ts";
import { ProgressBar } from "../commands/progress_bar.ts";
import { UsageError } from "../usage.ts";
import { SILENT } from "../../server/silent_log.ts";
import { SYNC } from "./sync_command.ts";

/** @throws {UsageError} and what keeps the run from beginning */
export async function runSyncLine(
  args: readonly string[],
  commands: DataCommands,
  settings: Settings,
): Promise<CommandText> {
  const options = readOptions(args, SYNC);
  const [from, to] = [options.get("from"), options.get("to")];
  if (from !== undefined && to === undefined) throw new UsageError("sync --from needs --to REPOSITORY");
  for (const name of ["tags", "platform", "no-referrers"]) {
    if (from === undefined && options.has(name)) throw new UsageError(`sync --${name} needs --from`);
  }
  const lists = { tags: options.get("tags"), platforms: options.get("platform") };
  using bar = new ProgressBar();
  const answer = await runDataCommand({
    commands,
    name: SYNC,
    args: {
      ...(from !== undefined && { from, referrers: !options.has("no-referrers") }),
      ...(to !== undefined && { to }),
      ...Object.fromEntries(
        Object.entries(lists).flatMap(([name, text]) => text === undefined ? [] : [[name, split(text)]]),
      ),
      dry_run: options.has("dry-run"),
    },
    settings,
    // The report tells it.
    log: SILENT,
    onProgress: (progress) => bar.show(progress),
    absentData: options.has("dry-run") ? "imagine" : "make",
  });
  const report = answer as unknown as SyncReport;
  return { ok: isWhole(report), text: options.has("json") ? inJson(report) : describe(report) };
}

/** `a,b`: neither tags nor platforms hold a comma. */
function split(text: string): string[] {
  return text.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

function describe({ copies, complete, dry_run }: SyncReport): string {
  const lines = copies.flatMap((copy) => describeCopy(copy, dry_run));
  if (!complete) lines.push("stopped before the end, the next run goes on from here");
  return `${lines.join("\n")}\n`;
}

function describeCopy(copy: CopyReport | CopyFailure, dryRun: boolean): string[] {
  const head = `${copy.from} to ${copy.to}:`;
  if ("failed" in copy) return [`${head} failed: ${copy.failed}`];
  const { refused, absent_children: absent } = copy;
  const left = absent === 0 ? "" : `; ${formatCount(absent, "manifest")} of other platforms left there`;
  return [
    ...describeRefusals(copy),
    `${head} ${describeArrivals(copy, dryRun)}${left}${refused === 0 ? "" : `; ${refused} could not come`}`,
  ];
}
