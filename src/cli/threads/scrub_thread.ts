/** Entry of the thread of one scrub: it hashes for hours and lets SQLite check itself, which no other thread can wait for. */
import type { ScrubReport } from "../../jobs/scrub_report.ts";
import type { ScrubProgress } from "../../jobs/scrub_work.ts";
import type { Log, LogFields } from "../../ports/log.ts";
import { Layout } from "../../storage/files/layout.ts";
import { RemovalHold } from "../../storage/files/removals.ts";
import { SqliteWithdrawals } from "../../storage/sqlite/sqlite_scrub_store.ts";
import { RemoteWriter } from "../../storage/sqlite/writer_link.ts";
import type { JobOver } from "./job_worker.ts";
import { reportJob } from "./report_job.ts";
import { runScrub, type ScrubOptions } from "../commands/scrub_job.ts";

/** First message to the thread. */
export interface StartScrub {
  readonly rootDir: string;
  readonly options: ScrubOptions;
  /** The way to the writer; absent for a scrub that repairs nothing. */
  readonly writer: MessagePort | undefined;
  /** Memory of the hold on removals. */
  readonly removals: SharedArrayBuffer;
}

/** What it says before its end; any later message to it stops the scrub. */
export type FromScrub =
  | { readonly kind: "progress"; readonly progress: ScrubProgress }
  | {
    readonly kind: "log";
    readonly level: "info" | "warn" | "error";
    readonly message: string;
    readonly fields: LogFields;
  };

const thread = self as unknown as {
  onmessage: (event: MessageEvent) => void;
  postMessage(message: FromScrub | JobOver<ScrubReport>): void;
};

const say = (level: "info" | "warn" | "error") => (message: string, fields: LogFields = {}): void =>
  thread.postMessage({ kind: "log", level, message, fields });

const log: Log = { debug() {}, info: say("info"), warn: say("warn"), error: say("error") };

thread.onmessage = ({ data }: MessageEvent<StartScrub>) => {
  const stop = new AbortController();
  thread.onmessage = () => stop.abort();
  const hold = new RemovalHold(data.removals);
  const { writer } = data;
  void reportJob<ScrubProgress, ScrubReport>(
    (message) => thread.postMessage(message),
    (progress) =>
      runScrub(new Layout(data.rootDir), data.options, {
        log,
        signal: stop.signal,
        areRemovalsHeld: () => hold.isHeld,
        withdrawals: new SqliteWithdrawals(writer === undefined ? NO_WRITER : new RemoteWriter(writer)),
        progress,
      }),
  );
};

const NO_WRITER = {
  run: () => Promise.reject(new Error("this scrub repairs nothing")),
};
