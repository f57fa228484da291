/** Waits for what a running registry says of each reload. */
import type { RunningRegistry } from "../../harness/start_registry.ts";

export interface Verdict {
  readonly message: string;
  readonly reason?: string;
  readonly changed?: readonly string[];
  readonly waits_for_restart?: readonly string[];
}

export class Verdicts {
  readonly #registry: RunningRegistry;
  #read = 0;

  constructor(registry: RunningRegistry) {
    this.#registry = registry;
  }

  /** Verdicts that nobody has read yet. */
  get unread(): readonly Verdict[] {
    return verdictsIn(this.#registry.logLines).slice(this.#read);
  }

  /** The next one, also where it came already. */
  async next(): Promise<Verdict> {
    let seen = 0;
    const verdict = await this.#registry.process.waitForLine("the verdict on a reload", (line) => {
      const [verdict] = verdictsIn([line]);
      return verdict !== undefined && ++seen > this.#read ? verdict : undefined;
    });
    this.#read++;
    return verdict;
  }
}

function verdictsIn(lines: readonly string[]): Verdict[] {
  return lines.filter((line) => /"configuration (not )?reloaded/.test(line)).map((line) => JSON.parse(line));
}
