/** A source whose repositories come under other names: a prefix before each. */
import type { Digest } from "../core/digest.ts";
import { isRepositoryName, type RepositoryName } from "../core/repository_name.ts";
import { quote } from "../core/quote.ts";
import type {
  ContentSource,
  Refuse,
  SourceBlob,
  SourceManifest,
  SourceTag,
} from "../ports/content_source.ts";

export class RenamedSource implements ContentSource {
  readonly #source: ContentSource;
  readonly #prefix: string;

  /** @param prefix with or without a slash at its end */
  constructor(source: ContentSource, prefix: string) {
    this.#source = source;
    this.#prefix = `${prefix.replace(/\/+$/, "")}/`;
  }

  get repositoriesAtOnce(): number {
    return this.#source.repositoriesAtOnce ?? 1;
  }

  async *listRepositories(refuse: Refuse): AsyncIterable<RepositoryName> {
    for await (const repository of this.#source.listRepositories(refuse)) {
      const name = `${this.#prefix}${repository}`;
      if (isRepositoryName(name)) yield name;
      else refuse({ subject: `repository "${repository}"`, why: `${quote(name)} is no repository name` });
    }
  }

  listTags(repository: RepositoryName, refuse: Refuse): AsyncIterable<SourceTag> {
    return this.#source.listTags(this.#inner(repository), refuse);
  }

  listManifests(repository: RepositoryName, refuse: Refuse): AsyncIterable<Digest> {
    return this.#source.listManifests(this.#inner(repository), refuse);
  }

  readManifest(
    repository: RepositoryName,
    digest: Digest,
    maxBytes: number,
  ): Promise<SourceManifest | undefined> {
    return this.#source.readManifest(this.#inner(repository), digest, maxBytes);
  }

  findBlob(repository: RepositoryName, digest: Digest): Promise<SourceBlob | undefined> {
    return this.#source.findBlob(this.#inner(repository), digest);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#source[Symbol.asyncDispose]();
  }

  #inner(repository: RepositoryName): RepositoryName {
    return repository.slice(this.#prefix.length) as RepositoryName;
  }
}
