/** Finds out what belongs into a bundle: the selected manifests and all that they lead to, or that is about them. */
import type { Descriptor } from "../core/descriptor.ts";
import { algorithmOf, type Digest, hexOf } from "../core/digest.ts";
import { parseManifest } from "../core/manifest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { BlobFile } from "../ports/blob_store.ts";
import type { MetadataStore, PageRequest, StoredManifest } from "../ports/metadata_store.ts";
import type { BundleEntry } from "./bundle_format.ts";
import { onlyRepository, type Selection, selectsRepository, selectsTag } from "./bundle_selection.ts";
import { walkNames, walkPages } from "./walk_pages.ts";

/** What is missing is told of so many. */
const MOST_LACKING = 100;

/** What the walk reads, all of it of one moment. */
export type ExportedContent = Pick<
  MetadataStore,
  "listRepositories" | "listTags" | "findManifest" | "findBlob" | "listReferrers"
>;

export interface BundlePlan {
  readonly entries: readonly BundleEntry[];
  /** By digest: a repository that has it, and its bytes. */
  readonly manifests: ReadonlyMap<Digest, { readonly repository: RepositoryName; readonly size: number }>;
  readonly blobs: ReadonlyMap<Digest, { readonly size: number; readonly file: BlobFile }>;
  readonly repositories: number;
  readonly tags: number;
  /** Configs and layers that the repository itself lacks; 100 at most. */
  readonly lacking: readonly Lack[];
}

export interface Lack {
  readonly repository: RepositoryName;
  readonly manifest: Digest;
  readonly blob: Digest;
}

/** @throws {Error} when a selection finds nothing */
export async function planBundle(
  content: ExportedContent,
  selections: readonly Selection[],
  onManifest: (manifests: number) => void = () => {},
): Promise<BundlePlan> {
  const walk = new BundleWalk(content, onManifest);
  const used = new Set<Selection>();
  for await (const repository of namesOf(content, selections)) {
    const mine = selections.filter((selection) => selectsRepository(selection, repository));
    for (const selection of await walk.take(repository, mine)) used.add(selection);
  }
  const unused = selections.find((selection) => !used.has(selection));
  if (unused !== undefined) throw new Error(`Cannot export ${unused.text}: nothing here has this name`);
  return walk.plan;
}

/** The repositories that are selected, each once. */
async function* namesOf(
  content: ExportedContent,
  selections: readonly Selection[],
): AsyncGenerator<RepositoryName> {
  const named = selections.map(onlyRepository);
  if (!named.includes(undefined)) {
    yield* new Set(named as RepositoryName[]);
    return;
  }
  for await (const name of walkNames((page: PageRequest<RepositoryName>) => content.listRepositories(page))) {
    if (selections.some((selection) => selectsRepository(selection, name))) yield name;
  }
}

class BundleWalk {
  readonly #content: ExportedContent;
  readonly #onManifest: (manifests: number) => void;
  readonly #manifests = new Map<Digest, { repository: RepositoryName; size: number }>();
  readonly #blobs = new Map<Digest, { size: number; file: BlobFile }>();
  readonly #entries: BundleEntry[] = [];
  readonly #lacking: Lack[] = [];
  #repositories = 0;
  #tags = 0;

  constructor(content: ExportedContent, onManifest: (manifests: number) => void) {
    this.#content = content;
    this.#onManifest = onManifest;
  }

  get plan(): BundlePlan {
    return {
      entries: this.#entries,
      manifests: this.#manifests,
      blobs: this.#blobs,
      repositories: this.#repositories,
      tags: this.#tags,
      lacking: this.#lacking,
    };
  }

  /** Gives the selections that found something. */
  async take(repository: RepositoryName, selections: readonly Selection[]): Promise<Selection[]> {
    const used = new Set<Selection>();
    const tags = new Set<Tag>();
    const visit = new RepositoryVisit();
    if (selections.some(({ of }) => of.kind !== "digest")) {
      for await (const tag of this.#listTags(repository)) {
        const mine = selections.filter((selection) => selectsTag(selection, tag));
        if (mine.length > 0) tags.add(tag);
        for (const selection of mine) used.add(selection);
      }
    }
    for (const selection of selections) {
      if (selection.of.kind !== "digest") continue;
      const { digest } = selection.of;
      if (await this.#content.findManifest(repository, { kind: "digest", digest }) === undefined) continue;
      used.add(selection);
      visit.wanted.push(digest);
    }
    visit.wantedTags.push(...tags);
    await this.#walk(repository, visit);
    if (used.size > 0) this.#repositories++;
    return [...used];
  }

  /** Takes what is wanted, and what becomes wanted on the way, such as signatures and their signatures. */
  async #walk(repository: RepositoryName, visit: RepositoryVisit): Promise<void> {
    const untagged: BundleEntry[] = [];
    while (true) {
      const tag = visit.wantedTags.pop();
      if (tag !== undefined) {
        await this.#takeTag(repository, tag, visit);
        continue;
      }
      const digest = visit.wanted.pop();
      if (digest === undefined) break;
      const manifest = await this.#content.findManifest(repository, { kind: "digest", digest });
      if (manifest === undefined || visit.roots.has(digest)) continue;
      visit.roots.add(digest);
      const { artifactType } = parseManifest(manifest.bytes, manifest.mediaType);
      untagged.push({ repository, tag: undefined, manifest: describe(manifest, artifactType) });
      await this.#follow(repository, manifest, visit);
    }
    // A tag may have been found after it, which says the same and more.
    this.#entries.push(...untagged.filter(({ manifest }) => !visit.tagged.has(manifest.digest)));
  }

  async #takeTag(repository: RepositoryName, tag: Tag, visit: RepositoryVisit): Promise<void> {
    if (visit.tags.has(tag)) return;
    visit.tags.add(tag);
    const manifest = await this.#content.findManifest(repository, { kind: "tag", tag });
    if (manifest === undefined) {
      throw new Error(
        `Cannot export ${repository}:${tag}: the bytes of its manifest are damaged; push it again, or delete the tag`,
      );
    }
    this.#tags++;
    this.#entries.push({ repository, tag, manifest: describe(manifest) });
    visit.tagged.add(manifest.digest);
    visit.roots.add(manifest.digest);
    await this.#follow(repository, manifest, visit);
  }

  /** Takes a manifest and all below it; what is about any of them is wanted then. */
  async #follow(repository: RepositoryName, root: StoredManifest, visit: RepositoryVisit): Promise<void> {
    const waiting = [root.digest];
    for (let digest = waiting.pop(); digest !== undefined; digest = waiting.pop()) {
      if (visit.followed.has(digest)) continue;
      visit.followed.add(digest);
      const manifest = digest === root.digest
        ? root
        : await this.#content.findManifest(repository, { kind: "digest", digest });
      // An index may name manifests that were never pushed.
      if (manifest === undefined) continue;
      this.#manifests.set(digest, { repository, size: manifest.bytes.length });
      this.#onManifest(this.#manifests.size);
      for (const child of await this.#takeReferences(repository, manifest)) waiting.push(child);
      for await (const referrer of this.#listReferrers(repository, digest)) {
        visit.wanted.push(referrer.digest);
      }
      for await (const tag of this.#listTagsAbout(repository, digest)) visit.wantedTags.push(tag);
    }
  }

  /** Takes the blobs of a manifest; gives its children. */
  async #takeReferences(repository: RepositoryName, { digest: manifest, bytes, mediaType }: StoredManifest) {
    const children: Digest[] = [];
    for (const { kind, digest } of parseManifest(bytes, mediaType).references) {
      if (kind === "child") {
        children.push(digest);
        continue;
      }
      if (this.#blobs.has(digest)) continue;
      const blob = await this.#content.findBlob(repository, digest);
      if (blob !== undefined) {
        this.#blobs.set(digest, { size: blob.size, file: blob.file });
      } else if (kind !== "foreign" && this.#lacking.length < MOST_LACKING) {
        this.#lacking.push({ repository, manifest, blob: digest });
      }
    }
    return children;
  }

  #listTags(repository: RepositoryName, after?: Tag): AsyncGenerator<Tag> {
    return walkNames((page: PageRequest<Tag>) => this.#content.listTags(repository, page), after);
  }

  /** Tags as cosign makes them, and those of the referrers tag schema (distribution-spec). */
  async *#listTagsAbout(repository: RepositoryName, digest: Digest): AsyncGenerator<Tag> {
    const prefix = `${algorithmOf(digest)}-${hexOf(digest)}`;
    const exact = prefix as Tag;
    if (await this.#content.findManifest(repository, { kind: "tag", tag: exact }) !== undefined) yield exact;
    for await (const tag of this.#listTags(repository, exact)) {
      if (!tag.startsWith(prefix)) return;
      yield tag;
    }
  }

  #listReferrers(repository: RepositoryName, subject: Digest): AsyncGenerator<Descriptor> {
    return walkPages(
      (page: PageRequest<Digest>) => this.#content.listReferrers(repository, subject, page),
      ({ digest }: Descriptor): Digest => digest,
    );
  }
}

/** How far the walk is in one repository. */
class RepositoryVisit {
  readonly wantedTags: Tag[] = [];
  readonly wanted: Digest[] = [];
  readonly tags = new Set<Tag>();
  readonly tagged = new Set<Digest>();
  /** Manifests that have an entry. */
  readonly roots = new Set<Digest>();
  readonly followed = new Set<Digest>();
}

function describe({ digest, mediaType, bytes }: StoredManifest, artifactType?: string): Descriptor {
  return { mediaType, digest, size: bytes.length, ...(artifactType !== undefined && { artifactType }) };
}
