/** Data directories as other registries write them, and a registry that takes them over. */
import { dirname } from "node:path";
import { importContent } from "../../src/jobs/import_content.ts";
import { openTreeSource, type TreeKind } from "../../src/jobs/import_sources.ts";
import type { NameRules } from "../../src/jobs/bundle_names.ts";
import type { Registry } from "../../src/registry/registry.ts";
import { DirectoryTree } from "../../src/storage/files/directory_tree.ts";
import { nodeHasher } from "../../src/storage/node_hasher.ts";
import type { Content } from "../http/content.ts";

/** A folder that goes with the test. */
export class ForeignFolder implements Disposable {
  readonly path = Deno.makeTempDirSync({ prefix: "foreign-" });

  write(path: string, content: string | Uint8Array): this {
    const place = `${this.path}/${path}`;
    Deno.mkdirSync(dirname(place), { recursive: true });
    if (typeof content === "string") Deno.writeTextFileSync(place, content);
    else Deno.writeFileSync(place, content);
    return this;
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

function partsOf({ digest }: { readonly digest: string }): [algorithm: string, hex: string] {
  return digest.split(":") as [string, string];
}

/** `sha256/ab/abcd...` */
function sharded(content: { readonly digest: string }): string {
  const [algorithm, hex] = partsOf(content);
  return `${algorithm}/${hex.slice(0, 2)}/${hex}`;
}

/** The folders of distribution below `root`, and those of the original before its version 1 with links in JSON. */
export class LinkTree extends ForeignFolder {
  constructor(readonly root = "docker/registry/v2", readonly inJson = false) {
    super();
    this.write(`${root}/blobs/.keep`, "").write(`${root}/repositories/.keep`, "");
  }

  link(digest: string): string {
    return this.inJson
      ? JSON.stringify({ target: digest, created_at: "2025-01-01T00:00:00Z", accessed_at: null })
      : digest;
  }

  data(content: Content): this {
    return this.write(`${this.root}/blobs/${sharded(content)}/data`, content.bytes);
  }

  blob(repository: string, content: Content, folder = "_layers"): this {
    const path = `${this.root}/repositories/${repository}/${folder}/${partsOf(content).join("/")}/link`;
    return this.data(content).write(path, this.link(content.digest));
  }

  manifest(repository: string, content: Content, ...tags: string[]): this {
    const manifests = `${this.root}/repositories/${repository}/_manifests`;
    this.data(content).write(
      `${manifests}/revisions/${partsOf(content).join("/")}/link`,
      this.link(content.digest),
    );
    for (const tag of tags) this.write(`${manifests}/tags/${tag}/current/link`, this.link(content.digest));
    return this;
  }
}

/** The folders of the original since its version 1. */
export class OriginalTree extends ForeignFolder {
  constructor() {
    super();
    this.write("v2/blobs/.keep", "").write("v2/ns/.keep", "");
  }

  blob(repository: string, content: Content, key = "!own"): this {
    return this.write(`v2/blobs/${sharded(content)}/data`, content.bytes)
      .write(`v2/ref/${sharded(content)}/${repository}${key}`, "");
  }

  manifest(repository: string, content: Content & { readonly mediaType: string }): this {
    const record = { media_type: content.mediaType, created_at: "2026-01-01T00:00:00Z" };
    return this.blob(repository, content)
      .write(`v2/ns/${repository}!rev/${sharded(content)}`, JSON.stringify(record));
  }

  /** @param at ms since the epoch */
  tag(
    repository: string,
    tag: string,
    at: number,
    verb: "set" | "del",
    { digest }: { readonly digest: string },
  ): this {
    const order = (2n ** 64n - 2n - BigInt(at)).toString(16).padStart(16, "0");
    const name = `${order}.${verb}.${digest.replace(":", ".")}`;
    return this.write(
      `v2/ns/${repository}!tag/${tag}!/${name}`,
      '{"media_type":null,"size":1,"annotations":{}}',
    );
  }
}

export async function importTree(
  registry: Registry,
  kind: TreeKind,
  { path }: { readonly path: string },
  rules: NameRules = {},
) {
  using tree = await DirectoryTree.open(path);
  await using source = await openTreeSource(kind, tree, nodeHasher, rules);
  const signal = new AbortController().signal;
  return await importContent({ registry, source, dryRun: false, signal, progress: () => {} });
}
