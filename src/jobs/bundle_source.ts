/** A bundle, or an image layout of another program, as the source of an import. */
import { algorithmOf, type Digest, hexOf } from "../core/digest.ts";
import { MANIFEST_TYPES } from "../core/manifest.ts";
import type { MediaType } from "../core/media_type.ts";
import { SourceFault } from "../core/source_fault.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { ArchiveReader } from "../ports/archive.ts";
import type {
  ContentSource,
  Refusal,
  Refuse,
  SourceBlob,
  SourceManifest,
  SourceTag,
} from "../ports/content_source.ts";
import type { BundleContents, EarlierBundle } from "./bundle_contents.ts";
import { pathOf } from "./bundle_format.ts";
import type { BundleIndex } from "./bundle_index.ts";
import { nameOfEntry, type NameRules } from "./bundle_names.ts";

interface Listed {
  readonly tags: Map<Tag, Digest>;
  readonly manifests: Set<Digest>;
}

export class BundleSource implements ContentSource {
  readonly #archive: ArchiveReader;
  readonly #contents: BundleContents | undefined;
  readonly #repositories = new Map<RepositoryName, Listed>();
  readonly #types = new Map<Digest, MediaType>();
  readonly #refusals: Refusal[] = [];

  constructor(
    archive: ArchiveReader,
    { entries }: BundleIndex,
    contents: BundleContents | undefined,
    rules: NameRules,
  ) {
    this.#archive = archive;
    this.#contents = contents;
    for (const entry of entries) {
      // What is no manifest is read with the manifest that needs it.
      if (!MANIFEST_TYPES.includes(entry.mediaType)) continue;
      try {
        const { repository, tag } = nameOfEntry(entry, rules);
        this.#list(repository, tag, entry.digest);
        this.#types.set(entry.digest, entry.mediaType);
      } catch (error) {
        if (!(error instanceof SourceFault)) throw error;
        this.#refusals.push({ subject: `manifest ${entry.digest}`, why: error.message });
      }
    }
  }

  async *listRepositories(refuse: Refuse): AsyncIterable<RepositoryName> {
    this.#refusals.forEach(refuse);
    yield* this.#repositories.keys();
  }

  async *listTags(repository: RepositoryName): AsyncIterable<SourceTag> {
    for (const [tag, digest] of this.#repositories.get(repository)?.tags ?? []) yield { tag, digest };
  }

  async *listManifests(repository: RepositoryName): AsyncIterable<Digest> {
    yield* this.#repositories.get(repository)?.manifests ?? [];
  }

  async readManifest(
    _repository: RepositoryName,
    digest: Digest,
    maxBytes: number,
  ): Promise<SourceManifest | undefined> {
    const path = pathOf(digest);
    const size = this.#archive.sizeOf(path);
    if (size === undefined) return undefined;
    if (size > maxBytes) {
      throw new SourceFault(`the manifest has ${size} bytes, at most ${maxBytes} are taken`);
    }
    const bytes = await this.#archive.readBytes(path, maxBytes);
    return bytes && { bytes, mediaType: this.#types.get(digest) };
  }

  async findBlob(_repository: RepositoryName, digest: Digest): Promise<SourceBlob | undefined> {
    const path = pathOf(digest);
    const size = this.#archive.sizeOf(path);
    if (size !== undefined) return { size, chunks: () => this.#archive.read(path) };
    const holder = this.#contents?.blobs.get(digest)?.in;
    if (holder === undefined) return undefined;
    throw new SourceFault(`its blob ${digest} is in ${describeBundle(holder)}: import that one first`);
  }

  leavesOut(digest: Digest): boolean {
    return this.#archive.sizeOf(pathOf(digest)) === undefined && this.#contents?.blobs.has(digest) === true;
  }

  async countBytes(): Promise<number> {
    let sum = 0;
    if (this.#contents !== undefined) {
      for (const { size } of this.#contents.blobs.values()) sum += size;
      return sum;
    }
    for (const name of this.#archive.names) if (name.startsWith("blobs/")) sum += this.#archive.sizeOf(name)!;
    return sum;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #list(repository: RepositoryName, tag: Tag | undefined, digest: Digest): void {
    const listed = this.#repositories.get(repository) ?? { tags: new Map(), manifests: new Set() };
    this.#repositories.set(repository, listed);
    if (tag === undefined) {
      listed.manifests.add(digest);
      return;
    }
    const before = listed.tags.get(tag);
    if (before !== undefined && before !== digest) {
      throw new SourceFault(`${repository}:${tag} stands in it with another digest too, ${before}`);
    }
    listed.tags.set(tag, digest);
  }
}

export function describeBundle({ id, name }: EarlierBundle): string {
  return `bundle ${name} (${algorithmOf(id)}:${hexOf(id).slice(0, 12)}...)`;
}
