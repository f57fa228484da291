/** Hears from the system when what paths lead to may have changed. */
import { dirname } from "node:path";
import { entriesOnPath } from "./path_entries.ts";

/** What is needed of `Deno.watchFs`. */
export type OpenWatch = (folders: string[]) => AsyncIterable<Deno.FsEvent> & { close(): void };

const openWatch: OpenWatch = (folders) => Deno.watchFs(folders, { recursive: false });

export class PathWatch {
  readonly #onChange: () => void;
  readonly #open: OpenWatch;
  /** By path: which folder it was when it was watched first. */
  readonly #known = new Map<string, string>();
  #watch: ReturnType<OpenWatch> | undefined;
  #followed = "";
  #hearsAll = true;

  /** @param onChange called for every event on the way to one of the paths, mostly several times for one change */
  constructor(onChange: () => void, open: OpenWatch = openWatch) {
    this.#onChange = onChange;
    this.#open = open;
  }

  /**
   * False when a folder has taken the place of another that was watched under its path: Deno 2.9 hears nothing of what
   * happens in it, however it is asked.
   */
  get hearsAll(): boolean {
    return this.#hearsAll;
  }

  /**
   * Watches the folders that decide what the paths lead to now, in place of those of the last call.
   *
   * @throws {Error} when the system lets nobody watch, such as beyond the limit of fs.inotify.max_user_instances
   */
  follow(paths: readonly string[]): void {
    // What changes between the look and the watch tells nobody, so there is another look after it.
    while (this.#watchIfChanged(paths));
  }

  close(): void {
    this.#watch?.close();
    this.#watch = undefined;
  }

  #watchIfChanged(paths: readonly string[]): boolean {
    const entries = new Set(paths.flatMap(entriesOnPath));
    const folders = new Map([...entries].map(dirname).map((folder) => [folder, identityOf(folder)]));
    const followed = JSON.stringify([[...entries], [...folders]]);
    if (this.#watch !== undefined && followed === this.#followed) return false;
    this.close();
    this.#watch = this.#open([...folders.keys()]);
    this.#followed = followed;
    this.#hearsAll = [...folders].every(([folder, identity]) => {
      if (!this.#known.has(folder)) this.#known.set(folder, identity);
      return this.#known.get(folder) === identity;
    });
    void this.#listen(this.#watch, new Set([...entries, ...folders.keys()]));
    return true;
  }

  async #listen(watch: ReturnType<OpenWatch>, entries: ReadonlySet<string>): Promise<void> {
    try {
      for await (const { kind, paths } of watch) {
        if (kind === "other" || paths.some((path) => entries.has(path))) this.#onChange();
      }
    } catch {
      // The contents are looked at from time to time in any case.
    }
  }
}

/** A folder that was removed and made again has its name and is another. */
function identityOf(folder: string): string {
  try {
    const { dev, ino } = Deno.statSync(folder);
    return `${dev} ${ino}`;
  } catch {
    return "";
  }
}
