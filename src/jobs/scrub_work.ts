/** What a scrub works with. */
import type { RepositoryName } from "../core/repository_name.ts";
import type { Clock } from "../ports/clock.ts";
import type { FileInspector } from "../ports/file_inspector.ts";
import type { Hasher } from "../ports/hasher.ts";
import type { JobMemory } from "../ports/job_memory.ts";
import type { Log } from "../ports/log.ts";
import type { ScrubStore, Withdrawals } from "../ports/scrub_store.ts";
import type { Pace } from "./pace.ts";
import type { ScrubPart } from "./scrub_run.ts";

export interface ScrubProgress {
  readonly what: ScrubPart;
  readonly done: number;
  readonly total?: number;
  readonly unit: "bytes" | "items";
}

export interface Scrub {
  readonly store: ScrubStore;
  readonly files: FileInspector;
  readonly hasher: Hasher;
  readonly memory: JobMemory;
  readonly clock: Clock;
  readonly log: Log;
  /** Bytes a second, 0 for no limit. */
  readonly rate: number;
  /** Puts aside what is damaged or nobody's; absent for a scrub that changes nothing. */
  readonly withdrawals?: Withdrawals;
  /** Begins anew, also where another scrub was stopped. */
  readonly restart: boolean;
  /** True where manifests may lack their config and layers: a mirror gets them when somebody pulls them. */
  readonly mayLackBlobs: (repository: RepositoryName) => boolean;
  /** True while a backup counts on every file. */
  readonly areRemovalsHeld: () => boolean;
  /** ms after which a file that nobody names is looked at again: those who replace and delete may take this long. */
  readonly settleMs: number;
  /** A file that nobody names is put aside when it has not changed for this long; ms. */
  readonly strayAgeMs: number;
  /** Stops the scrub; the next one goes on from there. */
  readonly signal: AbortSignal;
  readonly progress: (progress: ScrubProgress) => void;
}

/** What one scrub works with while it runs. */
export interface ScrubWork extends Scrub {
  readonly pace: Pace;
}
