/** Walks through garbage page by page, and lets others have the thread between the pages. */
import type { GarbageCursor, GarbagePage } from "../ports/garbage.ts";
import { letOthersRun } from "../registry/let_others_run.ts";

/** What each page found, at most `atOnce` of it together; what may be removed in one transaction. Ends early when aborted. */
export async function* walkGarbage<T>(
  read: (after: GarbageCursor | undefined) => Promise<GarbagePage<T>>,
  atOnce: number,
  signal: AbortSignal,
): AsyncGenerator<readonly T[]> {
  let after: GarbageCursor | undefined;
  do {
    const { found, next } = await read(after);
    for (let start = 0; start < found.length && !signal.aborted; start += atOnce) {
      yield found.slice(start, start + atOnce);
    }
    after = next;
    await letOthersRun();
  } while (after !== undefined && !signal.aborted);
}
