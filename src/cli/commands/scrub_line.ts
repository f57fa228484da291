/** The command line of `scrub`: from options to a scrub, a bar on the terminal, and a text. */
import { parseSize } from "../../config/parse_size.ts";
import type { Settings } from "../../config/settings.ts";
import { formatSize } from "../../core/format_size.ts";
import { describeCounts, describeFinding, type ScrubReport } from "../../jobs/scrub_report.ts";
import { type CommandText, inJson } from "./ask_data.ts";
import { type DataCommands, runDataCommand } from "./data_command.ts";
import { readOptions } from "../options.ts";
import { ProgressBar } from "./progress_bar.ts";
import { isClean, SCRUB } from "./scrub_command.ts";
import { UsageError } from "../usage.ts";
import { SILENT } from "../../server/silent_log.ts";

/** @throws {UsageError} and what keeps the scrub from going on */
export async function runScrubLine(
  args: readonly string[],
  commands: DataCommands,
  settings: Settings,
): Promise<CommandText> {
  const options = readOptions(args, SCRUB);
  const rate = options.get("rate");
  const report = await scrubWithBar(commands, settings, {
    repair: options.has("repair"),
    restart: options.has("restart"),
    ...(rate !== undefined && { rate: readRate(rate) }),
  });
  return {
    ok: isClean(report),
    text: options.has("json") ? inJson(plainReport(report)) : describeReport(report),
  };
}

async function scrubWithBar(
  commands: DataCommands,
  settings: Settings,
  args: Readonly<Record<string, unknown>>,
): Promise<ScrubReport> {
  using bar = new ProgressBar();
  const answer = await runDataCommand({
    commands,
    name: SCRUB,
    args,
    settings,
    log: SILENT,
    onProgress: (progress) => bar.show(progress),
  });
  return answer as unknown as ScrubReport;
}

function readRate(text: string): number {
  const bytes = /^[0-9]{1,15}$/.test(text) ? BigInt(text) : parseSize(text);
  if (bytes === undefined || bytes > BigInt(Number.MAX_SAFE_INTEGER)) {
    throw new UsageError(`--rate takes bytes a second such as 50MiB, or 0 for no limit, not ${text}`);
  }
  return Number(bytes);
}

/** In the words that the other commands use for programs: times as in RFC 3339. */
function plainReport({ startedAt, endedAt, ...report }: ScrubReport): unknown {
  return {
    started_at: new Date(startedAt).toISOString(),
    ended_at: new Date(endedAt).toISOString(),
    ...report,
  };
}

function describeReport(report: ScrubReport): string {
  const { findings, counts, complete, blobs, bytes, manifests } = report;
  const named = findings.map(describeFinding).join("");
  const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
  const more = total > findings.length ? `... and ${total - findings.length} more\n` : "";
  const how = complete ? "" : "stopped before the end, the next scrub goes on from here; so far ";
  return `${named}${more}${how}${blobs} blobs (${formatSize(bytes)}) and ${manifests} manifests read: ` +
    `${describeCounts(counts)}\n`;
}
