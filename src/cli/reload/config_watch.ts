/** Reloads when a file of the configuration has changed: the moment the system says so, and by looking from time to time. */
import type { Log } from "../../ports/log.ts";
import { type OpenWatch, PathWatch } from "./path_watch.ts";
import type { ReadFiles } from "./read_files.ts";
import type { Reload } from "./reload.ts";

/** Times in ms. */
export interface ConfigWatchTimes {
  /** How long the files must stay as they are: a file may be half written. */
  readonly settleMs: number;
  /** How long what cannot be used is waited for: of a certificate and its key one is replaced before the other. */
  readonly patienceMs: number;
  /** Pause between two looks at the contents, for file systems and moves of which the system tells nothing. */
  readonly everyMs: number;
  /** The same where it is known that the system does not tell everything. */
  readonly deafEveryMs: number;
}

const TIMES: ConfigWatchTimes = { settleMs: 500, patienceMs: 5000, everyMs: 30_000, deafEveryMs: 2000 };

export interface ConfigWatchOptions {
  readonly reload: Pick<Reload, "run" | "fits" | "files" | "mayWorkLater">;
  readonly log: Log;
  readonly times?: ConfigWatchTimes;
  readonly openWatch?: OpenWatch;
}

export class ConfigWatch {
  readonly #options: ConfigWatchOptions;
  readonly #times: ConfigWatchTimes;
  readonly #watch: PathWatch;
  #wake: () => void = () => {};
  #heard = false;
  #deaf = false;
  #stopped = false;

  constructor(options: ConfigWatchOptions) {
    this.#options = options;
    this.#times = options.times ?? TIMES;
    this.#watch = new PathWatch(() => this.#hear(), options.openWatch);
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
    this.#watch.close();
    this.#wake();
  }

  async #run(): Promise<void> {
    const { reload, log } = this.#options;
    while (!this.#stopped) {
      this.#follow(reload.files);
      try {
        await this.#takeOver();
      } catch (error) {
        log.error("the files of the configuration cannot be watched", { error });
      }
      await this.#nextEvent();
    }
  }

  /** After the folders are watched, so that no change falls between. */
  async #takeOver(): Promise<void> {
    const { reload } = this.#options;
    const isAnother = (now: ReadFiles): boolean => reload.files.changedIn(now).length > 0;
    let seen = reload.files.again();
    if (!isAnother(seen)) {
      if (reload.mayWorkLater) await reload.run();
      return;
    }
    const patienceEnds = performance.now() + this.#times.patienceMs;
    while (!this.#stopped) {
      await pause(this.#times.settleMs);
      const now = reload.files.again();
      // Somebody else reloaded, or everything is again as it was.
      if (!isAnother(now)) return;
      const still = seen.changedIn(now).length === 0;
      seen = now;
      if (still && (reload.fits() || performance.now() >= patienceEnds)) {
        if (!this.#stopped) await reload.run();
        return;
      }
    }
  }

  #follow(files: ReadFiles): void {
    try {
      this.#watch.follow(files.paths);
      this.#deaf = false;
    } catch (error) {
      if (this.#deaf) return;
      this.#deaf = true;
      const seconds = this.#times.deafEveryMs / 1000;
      this.#options.log.warn(
        `the folders of the configuration cannot be watched: their files are read again every ${seconds} s`,
        { error },
      );
    }
  }

  #hear(): void {
    this.#heard = true;
    this.#wake();
  }

  /** Resolves with the next event, also one that came since the last, and when it is time to look. */
  async #nextEvent(): Promise<void> {
    if (!this.#heard && !this.#stopped) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        const { everyMs, deafEveryMs } = this.#times;
        timer = setTimeout(resolve, this.#deaf || !this.#watch.hearsAll ? deafEveryMs : everyMs);
      });
      clearTimeout(timer);
    }
    this.#heard = false;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
