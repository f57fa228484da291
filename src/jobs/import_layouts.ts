/** OCI image layouts in folders as the source of an import: one layout, or a tree with a layout for each repository, as zot keeps it. */
import type { Digest } from "../core/digest.ts";
import { quote } from "../core/quote.ts";
import { isRepositoryName, type RepositoryName } from "../core/repository_name.ts";
import { SourceFault } from "../core/source_fault.ts";
import type { ArchiveReader } from "../ports/archive.ts";
import type {
  ContentSource,
  Refuse,
  SourceBlob,
  SourceManifest,
  SourceTag,
} from "../ports/content_source.ts";
import type { FileTree } from "../ports/file_tree.ts";
import type { Hasher } from "../ports/hasher.ts";
import { INDEX_FILE, LAYOUT_FILE } from "./bundle_format.ts";
import { readBundleContents, readBundleIndex } from "./bundle_index.ts";
import type { NameRules } from "./bundle_names.ts";
import { BundleSource } from "./bundle_source.ts";
import { chunksOf, entriesOf, readSmall } from "./import_tree.ts";

/** The layout in one folder of a tree, read as an archive is. */
class LayoutFolder implements ArchiveReader {
  readonly #tree: FileTree;
  readonly #folder: string;
  readonly #sizes: ReadonlyMap<string, number>;

  private constructor(tree: FileTree, folder: string, sizes: ReadonlyMap<string, number>) {
    this.#tree = tree;
    this.#folder = folder;
    this.#sizes = sizes;
  }

  static async open(tree: FileTree, folder: string): Promise<LayoutFolder> {
    const sizes = new Map<string, number>();
    const take = async (path: string): Promise<string[]> => {
      const entries = await entriesOf(tree, below(folder, path));
      for (const { name, kind, size } of entries) if (kind === "file") sizes.set(below(path, name), size);
      return entries.filter(({ kind }) => kind === "folder").map(({ name }) => below(path, name));
    };
    await take("");
    for (const algorithm of await take("blobs")) await take(algorithm);
    return new LayoutFolder(tree, folder, sizes);
  }

  get names(): Iterable<string> {
    return this.#sizes.keys();
  }

  sizeOf(name: string): number | undefined {
    return this.#sizes.get(name);
  }

  readBytes(name: string, most: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
    return readSmall(this.#tree, below(this.#folder, name), most);
  }

  read(name: string): AsyncIterable<Uint8Array<ArrayBuffer>> {
    return chunksOf(this.#tree, below(this.#folder, name), this.#sizes.get(name) ?? 0);
  }
}

export class LayoutsSource implements ContentSource {
  readonly #tree: FileTree;
  readonly #hasher: Hasher;
  readonly #rules: NameRules;
  /** The layout that is read now: an import takes one repository after the other. */
  #current: { readonly folder: string; readonly source: BundleSource } | undefined;
  readonly #folders = new Map<RepositoryName, string>();

  constructor(tree: FileTree, hasher: Hasher, rules: NameRules) {
    this.#tree = tree;
    this.#hasher = hasher;
    this.#rules = rules;
  }

  /** A layout says itself which repositories it has, where nobody else does; those of a tree are named by their folders. */
  async *listRepositories(refuse: Refuse): AsyncIterable<RepositoryName> {
    let layouts = 0;
    for await (const folder of this.#findLayouts(refuse)) {
      layouts++;
      try {
        const { source } = await this.#open(folder);
        for await (const repository of source.listRepositories(refuse)) {
          this.#folders.set(repository, folder);
          yield repository;
        }
      } catch (error) {
        if (folder === "" || !(error instanceof SourceFault)) throw error;
        refuse({ subject: `layout ${quote(folder)}`, why: error.message });
      }
    }
    if (layouts === 0) throw new Error("it is no OCI image layout, and there is none in its folders");
  }

  async *listTags(repository: RepositoryName): AsyncIterable<SourceTag> {
    yield* (await this.#of(repository)).listTags(repository);
  }

  async *listManifests(repository: RepositoryName): AsyncIterable<Digest> {
    yield* (await this.#of(repository)).listManifests(repository);
  }

  async readManifest(
    repository: RepositoryName,
    digest: Digest,
    maxBytes: number,
  ): Promise<SourceManifest | undefined> {
    return await (await this.#of(repository)).readManifest(repository, digest, maxBytes);
  }

  async findBlob(repository: RepositoryName, digest: Digest): Promise<SourceBlob | undefined> {
    return await (await this.#of(repository)).findBlob(repository, digest);
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async *#findLayouts(refuse: Refuse): AsyncGenerator<string> {
    const folders = [""];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      const entries = await entriesOf(this.#tree, folder);
      const isLayout = entries.some(({ name }) => name === INDEX_FILE || name === LAYOUT_FILE);
      if (isLayout) yield folder;
      // The only layout, and none of a tree.
      if (isLayout && folder === "") return;
      if (this.#rules.repository !== undefined) {
        throw new Error("--repository is for one layout, and this is none");
      }
      for (const { name, kind } of entries.reverse()) {
        const path = below(folder, name);
        // Other programs keep what is theirs in folders whose names no repository has.
        if (/^[._]/.test(name) || (isLayout && name === "blobs")) continue;
        if (kind === "other") {
          refuse({ subject: `folder ${quote(path)}`, why: "it is a link, and links are not followed" });
        } else if (kind === "folder" && isRepositoryName(path)) {
          folders.push(path);
        } else if (kind === "folder") {
          refuse({ subject: `folder ${quote(path)}`, why: "its path is no repository name" });
        }
      }
    }
  }

  async #of(repository: RepositoryName): Promise<BundleSource> {
    return (await this.#open(this.#folders.get(repository)!)).source;
  }

  async #open(folder: string): Promise<{ readonly source: BundleSource }> {
    if (this.#current?.folder === folder) return this.#current;
    const layout = await LayoutFolder.open(this.#tree, folder);
    const rules = folder === "" ? this.#rules : { ...this.#rules, repository: folder };
    try {
      const index = await readBundleIndex(layout, this.#hasher);
      const contents = await readBundleContents(layout, index, this.#hasher);
      this.#current = { folder, source: new BundleSource(layout, index, contents, rules) };
      return this.#current;
    } catch (error) {
      throw folder === "" ? error : new SourceFault((error as Error).message);
    }
  }
}

function below(folder: string, name: string): string {
  return folder === "" || name === "" ? `${folder}${name}` : `${folder}/${name}`;
}
