/** Everything that retention looks at in a repository. */
import type { Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { Inventory, ManifestFacts, TagFacts } from "../ports/inventory.ts";
import type { PageRequest } from "../ports/metadata_store.ts";
import { walkNames, walkPages } from "./walk_pages.ts";

export function walkTags(inventory: Inventory, repository: RepositoryName): AsyncGenerator<TagFacts> {
  return walkPages(
    (page: PageRequest<Tag>) => inventory.listTagFacts(repository, page),
    ({ tag }): Tag => tag,
  );
}

export function walkManifests(
  inventory: Inventory,
  repository: RepositoryName,
): AsyncGenerator<ManifestFacts> {
  return walkPages(
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
  return walkNames((page: PageRequest<Digest>) => inventory.listRestorable(repository, since, page));
}

export function walkRepositories(inventory: Inventory): AsyncGenerator<RepositoryName> {
  return walkNames(async (page: PageRequest<RepositoryName>) =>
    (await inventory.listRepositoryFacts(page)).map(({ repository }) => repository)
  );
}
