/**
 * The data directory of a distribution registry (registry:2 and :3, "docker/registry/v2") as the source of an import, and that
 * of the original before its version 1, which has the same folders and JSON in its links.
 */
import { algorithmOf, type Digest, hexOf, isDigest } from "../core/digest.ts";
import { quote } from "../core/quote.ts";
import { isRepositoryName, LONGEST_REPOSITORY_NAME, type RepositoryName } from "../core/repository_name.ts";
import { SourceFault } from "../core/source_fault.ts";
import { isTag } from "../core/tag.ts";
import type {
  ContentSource,
  Refuse,
  SourceBlob,
  SourceManifest,
  SourceTag,
} from "../ports/content_source.ts";
import type { FileTree } from "../ports/file_tree.ts";
import { blobAt, digestOf, entriesOf, foldersIn, readSmall } from "./import_tree.ts";

/** Where the folders may lie below the one that is given. */
const ROOTS = ["docker/registry/v2", "registry/v2", "v2", ""];

/** Bytes of a link: a digest, or JSON with one. */
const LONGEST_LINK = 64 * 1024;

/** Folders in which a repository says that it holds a blob; the second one is the original's. */
const HOLDS = ["_layers", "_config"];

export class LinkTreeSource implements ContentSource {
  readonly repositoriesAtOnce = 4;
  readonly #tree: FileTree;
  readonly #root: string;

  constructor(tree: FileTree, root: string) {
    this.#tree = tree;
    this.#root = root;
  }

  /** undefined for a folder that has nothing of the kind. */
  static async find(tree: FileTree): Promise<LinkTreeSource | undefined> {
    for (const root of ROOTS) {
      const path = (name: string) => root === "" ? name : `${root}/${name}`;
      if (await tree.list(path("repositories")) === undefined) continue;
      if (await tree.list(path("blobs")) !== undefined) return new LinkTreeSource(tree, root);
    }
    return undefined;
  }

  async *listRepositories(refuse: Refuse): AsyncIterable<RepositoryName> {
    const names = [""];
    for (let name = names.pop(); name !== undefined; name = names.pop()) {
      const entries = await entriesOf(this.#tree, this.#path("repositories", name));
      const below = entries.filter((entry) => !entry.name.startsWith("_"));
      if (entries.length > below.length) {
        if (isRepositoryName(name)) yield name;
        else {refuse({
            subject: `repository ${quote(name)}`,
            why: "its name is no repository name (NAME_INVALID)",
          });}
      }
      for (const entry of below.reverse()) {
        const path = name === "" ? entry.name : `${name}/${entry.name}`;
        if (entry.kind === "other") {
          refuse({ subject: `repository ${quote(path)}`, why: "it is a link, and links are not followed" });
        } else if (path.length > LONGEST_REPOSITORY_NAME) {
          refuse({
            subject: `repository ${quote(path)}`,
            why: `its name has more than ${LONGEST_REPOSITORY_NAME} characters`,
          });
        } else if (entry.kind === "folder") {
          names.push(path);
        }
      }
    }
  }

  async *listTags(repository: RepositoryName, refuse: Refuse): AsyncIterable<SourceTag> {
    for (
      const name of await foldersIn(this.#tree, this.#path("repositories", repository, "_manifests/tags"))
    ) {
      const subject = `${repository}:${name}`;
      if (!isTag(name)) {
        refuse({ subject: `tag ${quote(name)} of ${repository}`, why: "its name is no tag" });
        continue;
      }
      try {
        const digest = await this.#readLink(
          this.#path("repositories", repository, `_manifests/tags/${name}/current/link`),
        );
        // One that was deleted, or never got so far.
        if (digest !== undefined) yield { tag: name, digest };
      } catch (error) {
        if (!(error instanceof SourceFault)) throw error;
        refuse({ subject, why: error.message });
      }
    }
  }

  async *listManifests(repository: RepositoryName): AsyncIterable<Digest> {
    const revisions = this.#path("repositories", repository, "_manifests/revisions");
    for (const algorithm of await foldersIn(this.#tree, revisions)) {
      for (const hex of await foldersIn(this.#tree, `${revisions}/${algorithm}`)) {
        const digest = digestOf(algorithm, hex);
        if (digest !== undefined && await this.#hasManifest(repository, digest)) yield digest;
      }
    }
  }

  async readManifest(
    repository: RepositoryName,
    digest: Digest,
    maxBytes: number,
  ): Promise<SourceManifest | undefined> {
    if (!await this.#hasManifest(repository, digest)) return undefined;
    const bytes = await readSmall(this.#tree, this.#data(digest), maxBytes);
    return bytes && { bytes, mediaType: undefined };
  }

  /** Only what the repository holds: what others hold is not handed to it because a manifest names it. */
  async findBlob(repository: RepositoryName, digest: Digest): Promise<SourceBlob | undefined> {
    for (const folder of HOLDS) {
      const link = this.#path("repositories", repository, folder, algorithmOf(digest), hexOf(digest), "link");
      if (await this.#tree.sizeOf(link) !== undefined) return await blobAt(this.#tree, this.#data(digest));
    }
    return undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** A manifest that was deleted has its folder still, and no link in it. */
  async #hasManifest(repository: RepositoryName, digest: Digest): Promise<boolean> {
    const path = ["_manifests/revisions", algorithmOf(digest), hexOf(digest), "link"];
    return await this.#tree.sizeOf(this.#path("repositories", repository, ...path)) !== undefined;
  }

  async #readLink(path: string): Promise<Digest | undefined> {
    const bytes = await readSmall(this.#tree, path, LONGEST_LINK);
    if (bytes === undefined) return undefined;
    const text = new TextDecoder().decode(bytes).trim();
    const target = text.startsWith("{") ? targetOf(text) : text;
    if (isDigest(target)) return target;
    throw new SourceFault("its link holds no digest");
  }

  #data(digest: Digest): string {
    const hex = hexOf(digest);
    return this.#path("blobs", algorithmOf(digest), hex.slice(0, 2), hex, "data");
  }

  #path(...names: string[]): string {
    return [this.#root, ...names].filter((name) => name !== "").join("/");
  }
}

function targetOf(json: string): string {
  try {
    const { target } = JSON.parse(json);
    return typeof target === "string" ? target : "";
  } catch {
    return "";
  }
}
