/** The folder of what was put aside because it is damaged or nobody's, each with a note that says why. */
import { dirname } from "node:path";
import { syncFolder } from "./layout.ts";
import { statIfThere } from "./stat_if_there.ts";
import { writeFully } from "./write_fully.ts";

export class Quarantine {
  readonly #folder: string;

  /** @param folder made when something comes */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Moves a file or folder here; gives its new path, undefined when it is gone. */
  async move(path: string, note: string): Promise<string | undefined> {
    if (await statIfThere(path) === undefined) return undefined;
    const to = await this.#freeName(path.slice(path.lastIndexOf("/") + 1));
    // The note first: what lies here without one would be a riddle.
    await this.#writeNote(to, note);
    try {
      await Deno.rename(path, to);
    } catch (error) {
      await Deno.remove(noteOf(to));
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
    await syncFolder(this.#folder);
    await syncFolder(dirname(path));
    return to;
  }

  /** Writes bytes here as a file; gives its path. */
  async write(name: string, bytes: Uint8Array, note: string): Promise<string> {
    const to = await this.#freeName(name);
    await this.#writeNote(to, note);
    await writeDurably(to, bytes);
    await syncFolder(this.#folder);
    return to;
  }

  /** One whose note is free as well: what was put aside may have had the name of a note. */
  async #freeName(name: string): Promise<string> {
    await Deno.mkdir(this.#folder, { mode: 0o700, recursive: true });
    for (let n = 0;; n++) {
      const path = `${this.#folder}/${name}${n === 0 ? "" : `.${n}`}`;
      const taken = await Promise.all([path, noteOf(path)].map((each) => statIfThere(each)));
      if (taken.every((info) => info === undefined)) return path;
    }
  }

  async #writeNote(path: string, note: string): Promise<void> {
    await writeDurably(noteOf(path), new TextEncoder().encode(note));
  }
}

function noteOf(path: string): string {
  return `${path}.txt`;
}

async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  using file = await Deno.open(path, { write: true, create: true, truncate: true, mode: 0o600 });
  await writeFully(file, bytes);
  await file.sync();
}
