/** A source of an import in memory, and an import of it into a registry. */
import type { Digest } from "../../src/core/digest.ts";
import type { MediaType } from "../../src/core/media_type.ts";
import type { RepositoryName } from "../../src/core/repository_name.ts";
import type { Tag } from "../../src/core/tag.ts";
import { importContent } from "../../src/jobs/import_content.ts";
import type { ImportReport } from "../../src/jobs/import_report.ts";
import type { ContentSource, SourceBlob, SourceManifest, SourceTag } from "../../src/ports/content_source.ts";
import type { Registry } from "../../src/registry/registry.ts";
import type { Content, ManifestContent } from "../http/content.ts";
import { repo, tag } from "../storage/temp_storage.ts";

interface Stored {
  readonly bytes: Uint8Array;
  readonly mediaType?: MediaType;
}

/** Each repository has what was put into it, and says of it what the test lets it say. */
export class MemorySource implements ContentSource {
  readonly #repositories = new Map<RepositoryName, {
    readonly tags: Map<Tag, Digest>;
    readonly listed: Set<Digest>;
    readonly contents: Map<Digest, Stored>;
  }>();
  /** Called before each chunk of a blob. */
  onChunk: (digest: Digest) => void = () => {};
  /** Blobs that were asked for. */
  readonly asked: Digest[] = [];

  put(repository: string, ...contents: (Content | ManifestContent)[]): this {
    for (const { digest, bytes } of contents) this.#of(repository).contents.set(digest, { bytes });
    return this;
  }

  /** Lists a manifest, under tags or without one. */
  list(repository: string, { digest }: { readonly digest: Digest }, ...tags: string[]): this {
    this.#of(repository).listed.add(digest);
    for (const name of tags) this.#of(repository).tags.set(tag(name), digest);
    return this;
  }

  drop(repository: string, { digest }: Content): void {
    this.#of(repository).contents.delete(digest);
  }

  async *listRepositories(): AsyncIterable<RepositoryName> {
    yield* this.#repositories.keys();
  }

  async *listTags(repository: RepositoryName): AsyncIterable<SourceTag> {
    for (const [tag, digest] of this.#of(repository).tags) yield { tag, digest };
  }

  async *listManifests(repository: RepositoryName): AsyncIterable<Digest> {
    yield* this.#of(repository).listed;
  }

  async readManifest(repository: RepositoryName, digest: Digest): Promise<SourceManifest | undefined> {
    const stored = this.#of(repository).contents.get(digest);
    return stored && { bytes: stored.bytes.slice(), mediaType: stored.mediaType };
  }

  async findBlob(repository: RepositoryName, digest: Digest): Promise<SourceBlob | undefined> {
    this.asked.push(digest);
    const stored = this.#of(repository).contents.get(digest);
    if (stored === undefined) return undefined;
    const { onChunk } = this;
    return {
      size: stored.bytes.length,
      async *chunks() {
        for (let at = 0; at < stored.bytes.length; at += 64) {
          onChunk(digest);
          yield new Uint8Array(stored.bytes.subarray(at, at + 64));
        }
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #of(name: string) {
    const repository = repo(name);
    const found = this.#repositories.get(repository) ??
      { tags: new Map(), listed: new Set(), contents: new Map() };
    this.#repositories.set(repository, found);
    return found;
  }
}

export async function importAll(
  registry: Registry,
  source: ContentSource,
  { dryRun = false, signal = new AbortController().signal } = {},
): Promise<ImportReport> {
  return await importContent({ registry, source, dryRun, signal, progress: () => {} });
}
