/** The files that settings are made of, as they were when they were read: tells whether one is another by now. */
import { createHash } from "node:crypto";

export class ReadFiles {
  /** By path: a hash of the content, or why it could not be read. */
  readonly #seen = new Map<string, string>();

  /** Reads a file and remembers how it was. @throws what the system says, which is remembered too */
  readonly read = (path: string): Uint8Array => {
    try {
      const bytes = Deno.readFileSync(path);
      this.#seen.set(path, createHash("sha256").update(bytes).digest("base64"));
      return bytes;
    } catch (error) {
      this.#seen.set(path, (error as Error).name);
      throw error;
    }
  };

  /** As they were named. */
  get paths(): readonly string[] {
    return [...this.#seen.keys()];
  }

  /** Reads the same files as they are now. */
  again(): ReadFiles {
    const now = new ReadFiles();
    for (const path of this.#seen.keys()) {
      try {
        now.read(path);
      } catch {
        // Remembered as unreadable.
      }
    }
    return now;
  }

  /** Files of `other` that are not as they are here. */
  changedIn(other: ReadFiles): readonly string[] {
    return other.paths.filter((path) => this.#seen.get(path) !== other.#seen.get(path));
  }
}
