/** When each configured copy last came to its end, and when it last failed: known again after a restart. */
import type { SyncSettings } from "../../config/settings.ts";
import type { SyncReport } from "../../jobs/sync.ts";
import { JsonFile } from "../../storage/files/json_file.ts";

/** ms since 1970. */
interface Times {
  /** Set by runs in which everything came, and by those that were told what the other registry lacks. */
  readonly ended?: number;
  /** Set by runs that broke off, gone with the next that did not. */
  readonly failed?: number;
}

export class SyncMemory {
  readonly #file: JsonFile;

  constructor(path: string) {
    this.#file = new JsonFile(path);
  }

  async read(): Promise<{ of(copy: SyncSettings): Times }> {
    const times = await this.#times();
    return { of: (copy) => times[keyOf(copy)] ?? {} };
  }

  /**
   * Writes down what became of copies.
   *
   * @param configured all that the settings name now; others are forgotten
   */
  async note(
    copies: readonly SyncSettings[],
    report: SyncReport,
    { now, configured }: { readonly now: number; readonly configured: readonly SyncSettings[] },
  ): Promise<void> {
    const known = await this.#times();
    const times = Object.fromEntries(
      configured.map(keyOf).flatMap((key) => key in known ? [[key, known[key]!]] : []),
    );
    for (const [index, copy] of copies.entries()) {
      const outcome = report.copies[index];
      if (outcome === undefined || ("complete" in outcome && !outcome.complete)) continue;
      const before = times[keyOf(copy)];
      times[keyOf(copy)] = "failed" in outcome ? { ...before, failed: now } : { ended: now };
    }
    await this.#file.write(times);
  }

  async #times(): Promise<Record<string, Times>> {
    const content = await this.#file.read();
    if (typeof content !== "object" || content === null || Array.isArray(content)) return {};
    return Object.fromEntries(Object.entries(content).map(([key, value]) => [key, timesIn(value)]));
  }
}

/** With the tags: a copy that was given others is due at once. */
function keyOf({ from, to, tags, platforms, referrers }: SyncSettings): string {
  return JSON.stringify([from.host, from.repository, to, tags, platforms, referrers]);
}

function timesIn(value: unknown): Times {
  const { ended, failed } = Object(value) as { ended?: unknown; failed?: unknown };
  return {
    ...(typeof ended === "number" && { ended }),
    ...(typeof failed === "number" && { failed }),
  };
}
