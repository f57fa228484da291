/** The data directory of the original (Simple-Registry, angos) as the source of an import, in its present layout and the one before. */
import { algorithmOf, type Digest, hexOf } from "../core/digest.ts";
import { isMediaType, type MediaType } from "../core/media_type.ts";
import { quote } from "../core/quote.ts";
import { isRepositoryName, LONGEST_REPOSITORY_NAME, type RepositoryName } from "../core/repository_name.ts";
import { isTag, type Tag } from "../core/tag.ts";
import type {
  ContentSource,
  Refuse,
  SourceBlob,
  SourceManifest,
  SourceTag,
} from "../ports/content_source.ts";
import type { FileTree } from "../ports/file_tree.ts";
import type { LinkTreeSource } from "./import_link_tree.ts";
import { blobAt, digestOf, entriesOf, foldersIn, readSmall } from "./import_tree.ts";

/** Bytes of a record of a manifest. */
const LONGEST_RECORD = 64 * 1024;

/** `<16 hex digits that fall with time>.set.<algorithm>.<hex>`: the newest record of a tag is the first by name. */
const TAG_RECORD = /^[0-9a-f]{16}\.(set|del)\.([a-z0-9]{1,16})\.([0-9a-f]{1,128})$/;

/** Both layouts lie in one directory while its records are being converted: what is in the present one counts. */
export class OriginalSource implements ContentSource {
  readonly repositoriesAtOnce = 4;
  readonly #tree: FileTree;
  readonly #root: string;
  readonly #before: LinkTreeSource | undefined;

  /** @param root the folder in which "ns" is, such as "v2" */
  constructor(tree: FileTree, root: string, before: LinkTreeSource | undefined) {
    this.#tree = tree;
    this.#root = root;
    this.#before = before;
  }

  /** undefined for a folder without the present layout. */
  static async find(tree: FileTree, before: LinkTreeSource | undefined): Promise<OriginalSource | undefined> {
    for (const root of ["v2/", ""]) {
      if (await tree.list(`${root}ns`) !== undefined) return new OriginalSource(tree, root, before);
    }
    return undefined;
  }

  async *listRepositories(refuse: Refuse): AsyncIterable<RepositoryName> {
    const found = new Set<string>();
    const folders = [""];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const { name, kind } of await entriesOf(this.#tree, `${this.#root}ns${folder}`)) {
        const path = `${folder}/${name}`;
        const bang = path.indexOf("!");
        const repository = (bang < 0 ? path : path.slice(0, bang)).slice(1);
        if (kind !== "folder") continue;
        if (repository.length > LONGEST_REPOSITORY_NAME || (bang >= 0 && !isRepositoryName(repository))) {
          if (!found.has(repository)) {
            refuse({ subject: `repository ${quote(repository)}`, why: "its name is no repository name" });
          }
          found.add(repository);
        } else if (bang < 0) {
          folders.push(path);
        } else if (/!(tag|rev)$/.test(path) && !found.has(repository)) {
          found.add(repository);
          yield repository as RepositoryName;
        }
      }
    }
    for await (const repository of this.#before?.listRepositories(refuse) ?? []) {
      if (!found.has(repository)) yield repository;
    }
  }

  async *listTags(repository: RepositoryName, refuse: Refuse): AsyncIterable<SourceTag> {
    const known = new Set<Tag>();
    const folder = `${this.#root}ns/${repository}!tag`;
    for (const name of await foldersIn(this.#tree, folder)) {
      const tag = name.endsWith("!") ? name.slice(0, -1) : name;
      if (!isTag(tag)) {
        refuse({ subject: `tag ${quote(tag)} of ${repository}`, why: "its name is no tag" });
        continue;
      }
      const records = await entriesOf(this.#tree, `${folder}/${name}`);
      const newest = records.map((record) => TAG_RECORD.exec(record.name)).find((match) => match !== null);
      if (newest === undefined) continue;
      const [, verb, algorithm = "", hex = ""] = newest!;
      known.add(tag);
      if (verb === "del") continue;
      const digest = digestOf(algorithm, hex);
      if (digest === undefined) {
        refuse({ subject: `${repository}:${tag}`, why: "its record names no digest" });
      } else yield { tag, digest };
    }
    for await (const named of this.#before?.listTags(repository, refuse) ?? []) {
      if (!known.has(named.tag)) yield named;
    }
  }

  async *listManifests(repository: RepositoryName): AsyncIterable<Digest> {
    const folder = `${this.#root}ns/${repository}!rev`;
    for (const algorithm of await foldersIn(this.#tree, folder)) {
      for (const start of await foldersIn(this.#tree, `${folder}/${algorithm}`)) {
        for (const { name } of await entriesOf(this.#tree, `${folder}/${algorithm}/${start}`)) {
          const digest = digestOf(algorithm, name);
          if (digest !== undefined) yield digest;
        }
      }
    }
    yield* this.#before?.listManifests(repository) ?? [];
  }

  async readManifest(
    repository: RepositoryName,
    digest: Digest,
    maxBytes: number,
  ): Promise<SourceManifest | undefined> {
    const record = await readSmall(this.#tree, this.#recordOf(repository, digest), LONGEST_RECORD);
    if (record === undefined) return await this.#before?.readManifest(repository, digest, maxBytes);
    const bytes = await readSmall(this.#tree, this.#data(digest), maxBytes);
    return bytes && { bytes, mediaType: mediaTypeOf(record) };
  }

  /** Only what the repository holds: its own key, or the reason why it needs the blob, says so. */
  async findBlob(repository: RepositoryName, digest: Digest): Promise<SourceBlob | undefined> {
    const key = `${this.#root}ref/${pathOf(digest)}/${repository}`;
    const isHeld = await this.#tree.sizeOf(`${key}!own`) !== undefined ||
      (await entriesOf(this.#tree, `${key}!r`)).length > 0;
    if (isHeld) return await blobAt(this.#tree, this.#data(digest));
    return await this.#before?.findBlob(repository, digest);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #recordOf(repository: RepositoryName, digest: Digest): string {
    return `${this.#root}ns/${repository}!rev/${pathOf(digest)}`;
  }

  #data(digest: Digest): string {
    return `${this.#root}blobs/${pathOf(digest)}/data`;
  }
}

/** `sha256/ab/abcd...`. */
function pathOf(digest: Digest): string {
  const hex = hexOf(digest);
  return `${algorithmOf(digest)}/${hex.slice(0, 2)}/${hex}`;
}

/** What the record says that the manifest is; undefined where it says nothing that could be. */
function mediaTypeOf(record: Uint8Array): MediaType | undefined {
  try {
    const { media_type: type } = JSON.parse(new TextDecoder().decode(record));
    return typeof type === "string" && isMediaType(type) ? type : undefined;
  } catch {
    return undefined;
  }
}
