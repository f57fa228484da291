/** Reads everything of a repository page by page, and lets others have the thread between the pages. */
import type { Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { Inventory, ManifestFacts, TagFacts } from "../ports/inventory.ts";
import { letOthersRun } from "../registry/let_others_run.ts";
import type { PageRequest } from "../ports/metadata_store.ts";

/** Rows of one page: a few milliseconds of work. */
const PAGE = 500;

async function* walk<T, K extends string>(
  read: (page: PageRequest<K>) => Promise<readonly T[]>,
  keyOf: (entry: T) => K,
): AsyncGenerator<T> {
  let after: K | undefined;
  while (true) {
    const page = await read({ limit: PAGE, ...(after !== undefined && { after }) });
    if (page.length === 0) return;
    yield* page;
    after = keyOf(page.at(-1)!);
    await letOthersRun();
  }
}

export function walkTags(inventory: Inventory, repository: RepositoryName): AsyncGenerator<TagFacts> {
  return walk((page: PageRequest<Tag>) => inventory.listTagFacts(repository, page), ({ tag }): Tag => tag);
}

export function walkManifests(
  inventory: Inventory,
  repository: RepositoryName,
): AsyncGenerator<ManifestFacts> {
  return walk(
    (page: PageRequest<Digest>) => inventory.listManifestFacts(repository, page),
    ({ digest }): Digest => digest,
  );
}

/** Manifests that a tag named and lost since `since`, ms since the epoch. */
export function walkRestorable(
  inventory: Inventory,
  repository: RepositoryName,
  since: number,
): AsyncGenerator<Digest> {
  return walk(
    (page: PageRequest<Digest>) => inventory.listRestorable(repository, since, page),
    (digest) => digest,
  );
}

export async function* walkRepositories(inventory: Inventory): AsyncGenerator<RepositoryName> {
  yield* walk(
    async (page: PageRequest<RepositoryName>) =>
      (await inventory.listRepositoryFacts(page)).map(({ repository }) => repository),
    (repository: RepositoryName) => repository,
  );
}
