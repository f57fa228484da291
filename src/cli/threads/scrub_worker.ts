/** A scrub in a thread of its own. */
import type { ScrubReport } from "../../jobs/scrub_report.ts";
import type { ScrubProgress } from "../../jobs/scrub_work.ts";
import type { Log } from "../../ports/log.ts";
import { runJobThread } from "./job_worker.ts";
import { permittedFolder } from "./permitted_folder.ts";
import type { FromScrub, StartScrub } from "./scrub_thread.ts";

export interface ScrubInThread {
  readonly start: StartScrub;
  readonly log: Log;
  readonly progress: (progress: ScrubProgress) => void;
  readonly signal: AbortSignal;
}

/** Resolves to the report, also of a scrub that the signal has stopped. @throws what keeps the scrub from going on */
export async function scrubInThread({ start, log, progress, signal }: ScrubInThread): Promise<ScrubReport> {
  const { rootDir, writer } = start;
  const places = permittedFolder(rootDir);
  return await runJobThread<ScrubReport, FromScrub>({
    name: "scrub",
    entry: new URL("./scrub_thread.ts", import.meta.url),
    permissions: { read: places, write: places },
    start,
    transfer: writer === undefined ? [] : [writer],
    onMessage(message) {
      if (message.kind === "progress") progress(message.progress);
      else log[message.level](message.message, message.fields);
    },
    signal,
  });
}
