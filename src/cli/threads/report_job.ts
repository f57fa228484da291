/** The thread's side of a job that has a thread of its own: says how far it is, and how it ended. */
import type { JobOver } from "./job_worker.ts";

/** ms between two messages of progress. */
const PROGRESS_PAUSE_MS = 100;

/** Runs the job and posts its progress, now and then, and its end; never throws. */
export async function reportJob<Progress, Report>(
  post: (message: { readonly kind: "progress"; readonly progress: Progress } | JobOver<Report>) => void,
  job: (progress: (progress: Progress) => void) => Promise<Report>,
): Promise<void> {
  let next = 0;
  try {
    const report = await job((progress) => {
      if (performance.now() < next) return;
      next = performance.now() + PROGRESS_PAUSE_MS;
      post({ kind: "progress", progress });
    });
    post({ kind: "ended", report });
  } catch (error) {
    post({ kind: "failed", reason: (error as Error).message });
  }
}
