/** Goes through a listing page by page, and lets others have the thread between the pages. */
import { letOthersRun } from "../registry/let_others_run.ts";
import type { PageRequest } from "../ports/metadata_store.ts";

/** Rows of one page: a few milliseconds of work. */
const PAGE = 500;

/**
 * All entries until a page is empty.
 *
 * @param keyOf where a page goes on: what the last entry of the one before is listed by
 * @param after where it begins; at the start without it
 */
export async function* walkPages<T, K extends string>(
  read: (page: PageRequest<K>) => Promise<readonly T[]>,
  keyOf: (entry: T) => K,
  after?: K,
): AsyncGenerator<T> {
  while (true) {
    const page = await read({ limit: PAGE, ...(after !== undefined && { after }) });
    if (page.length === 0) return;
    yield* page;
    after = keyOf(page.at(-1)!);
    await letOthersRun();
  }
}

/** The same for a listing of names. */
export function walkNames<T extends string>(
  read: (page: PageRequest<T>) => Promise<readonly T[]>,
  after?: T,
): AsyncGenerator<T> {
  return walkPages(read, (name) => name, after);
}
