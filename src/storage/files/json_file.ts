/** A JobMemory in a file. */
import type { JobMemory } from "../../ports/job_memory.ts";

export class JsonFile implements JobMemory {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async read(): Promise<unknown> {
    try {
      return JSON.parse(await Deno.readTextFile(this.#path));
    } catch (error) {
      // After a power cut it may be empty. What is lost is where a job was, and it begins again.
      if (error instanceof Deno.errors.NotFound || error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  async write(value: unknown): Promise<void> {
    const next = `${this.#path}.new`;
    await Deno.writeTextFile(next, `${JSON.stringify(value)}\n`, { mode: 0o600 });
    await Deno.rename(next, this.#path);
  }
}
