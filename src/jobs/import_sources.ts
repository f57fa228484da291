/** Opens a foreign data directory as the source of an import, by the kind that whoever gives the command says it is. */
import type { ContentSource } from "../ports/content_source.ts";
import type { FileTree } from "../ports/file_tree.ts";
import type { Hasher } from "../ports/hasher.ts";
import type { NameRules } from "./bundle_names.ts";
import { LayoutsSource } from "./import_layouts.ts";
import { LinkTreeSource } from "./import_link_tree.ts";
import { OriginalSource } from "./import_original.ts";
import { RenamedSource } from "./import_renamed.ts";

export const TREE_KINDS = ["distribution", "layout", "simple-registry"] as const;

/** What wrote it. */
export type TreeKind = typeof TREE_KINDS[number];

/** @throws {Error} for what is nothing of the kind */
export async function openTreeSource(
  kind: TreeKind,
  tree: FileTree,
  hasher: Hasher,
  rules: NameRules,
): Promise<ContentSource> {
  // Its own name, too, is simple-registry.
  if (await tree.sizeOf("registry.db") !== undefined) {
    throw new Error(
      "it is a data directory of this program: start a server on it, or bring its content with export --bundle",
    );
  }
  if (kind === "layout") return new LayoutsSource(tree, hasher, rules);
  if (rules.repository !== undefined) throw new Error("--repository is for one layout, and this is none");
  const source = await findSource(kind, tree);
  return rules.prefix === undefined ? source : new RenamedSource(source, rules.prefix);
}

async function findSource(
  kind: Exclude<TreeKind, "layout">,
  tree: FileTree,
): Promise<ContentSource> {
  const links = await LinkTreeSource.find(tree);
  if (kind === "distribution") {
    if (links !== undefined) return links;
    throw new Error(
      "it is no data directory of distribution: docker/registry/v2 with blobs and repositories is not in it",
    );
  }
  const source = await OriginalSource.find(tree, links) ?? links;
  if (source !== undefined) return source;
  throw new Error(
    "it is no data directory of the original: v2 with blobs and ns, or repositories, is not in it",
  );
}
