/** The thread of one long job as the main thread sees it: from its start to its report. */
import { NOTHING } from "./no_permissions.ts";

/** How a job says that it is over. */
export type JobOver<Report> =
  | { readonly kind: "ended"; readonly report: Report }
  | { readonly kind: "failed"; readonly reason: string };

/** Asks a job to end in order. */
export type StopJob = "stop";

export interface JobThread<Message> {
  /** As faults name the thread. */
  readonly name: string;
  /** File in which it begins. */
  readonly entry: URL;
  /** Beyond none. */
  readonly permissions: Deno.PermissionOptionsObject;
  /** First message to it. */
  readonly start: unknown;
  readonly transfer?: Transferable[];
  /** Takes whatever it says before its end. */
  readonly onMessage: (message: Message) => void;
  /** Has the job end in order: it gets the message "stop", and gives its report. */
  readonly signal?: AbortSignal;
  /** Ends the thread wherever it is, and throws its reason. */
  readonly abandon?: AbortSignal;
}

/** Resolves to the report of the job. @throws {Error} why it could not come to its end */
export async function runJobThread<Report, Message extends { readonly kind: string }>(
  { name, entry, permissions, start, transfer = [], onMessage, signal, abandon }: JobThread<Message>,
): Promise<Report> {
  const worker = new Worker(entry, {
    type: "module",
    name,
    deno: { permissions: { ...NOTHING, ...permissions } },
  });
  const ended = Promise.withResolvers<Report>();
  worker.onerror = (event) => {
    event.preventDefault();
    ended.reject(new Error(`the ${name} thread ended: ${event.message}`));
  };
  worker.onmessage = ({ data }: MessageEvent<Message | JobOver<Report>>) => {
    if (data.kind === "ended") ended.resolve((data as { report: Report }).report);
    else if (data.kind === "failed") ended.reject(new Error((data as { reason: string }).reason));
    else onMessage(data as Message);
  };
  const stop = (): void => worker.postMessage("stop" satisfies StopJob);
  worker.postMessage(start, transfer);
  if (signal?.aborted) stop();
  signal?.addEventListener("abort", stop);
  const end = (): void => ended.reject(abandon?.reason);
  if (abandon?.aborted) end();
  abandon?.addEventListener("abort", end);
  try {
    return await ended.promise;
  } finally {
    signal?.removeEventListener("abort", stop);
    abandon?.removeEventListener("abort", end);
    worker.terminate();
  }
}
