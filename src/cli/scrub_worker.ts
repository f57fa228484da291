/** The thread of a scrub as the main thread sees it: from its start to its report. */
import type { ScrubReport } from "../jobs/scrub_report.ts";
import type { ScrubProgress } from "../jobs/scrub_work.ts";
import type { Log } from "../ports/log.ts";
import type { FromScrub, StartScrub, StopScrub } from "./scrub_thread.ts";
import { NOTHING } from "./threads.ts";

export interface ScrubInThread {
  readonly start: StartScrub;
  readonly log: Log;
  readonly progress: (progress: ScrubProgress) => void;
  readonly signal: AbortSignal;
}

/** Resolves to the report, also of a scrub that the signal has stopped. @throws what keeps the scrub from going on */
export async function scrubInThread({ start, log, progress, signal }: ScrubInThread): Promise<ScrubReport> {
  const { rootDir, writer } = start;
  const worker = new Worker(new URL("./scrub_thread.ts", import.meta.url), {
    type: "module",
    name: "scrub",
    deno: { permissions: { ...NOTHING, read: [rootDir], write: [rootDir] } },
  });
  const ended = Promise.withResolvers<ScrubReport>();
  worker.onerror = (event) => {
    event.preventDefault();
    ended.reject(new Error(`the scrub thread ended: ${event.message}`));
  };
  worker.onmessage = ({ data }: MessageEvent<FromScrub>) => {
    switch (data.kind) {
      case "progress":
        return progress(data.progress);
      case "log":
        return log[data.level](data.message, data.fields);
      case "ended":
        return ended.resolve(data.report);
      case "failed":
        return ended.reject(new Error(data.reason));
    }
  };
  const stop = (): void => worker.postMessage("stop" satisfies StopScrub);
  worker.postMessage(start, writer === undefined ? [] : [writer]);
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop);
  try {
    return await ended.promise;
  } finally {
    signal.removeEventListener("abort", stop);
    worker.terminate();
  }
}
