/** Chosen content of another registry, as an import reads it: tags, platforms, and what refers to what was chosen. */
import { algorithmOf, type Digest, hexOf } from "../core/digest.ts";
import { parseManifest } from "../core/manifest.ts";
import { isIndexType, type MediaType } from "../core/media_type.ts";
import type { Platform } from "../core/index_platforms.ts";
import { choosePlatforms, formatPlatform } from "../core/platform_selection.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import { SourceFault } from "../core/source_fault.ts";
import type { Tag } from "../core/tag.ts";
import { isSelected, type TagSelector } from "../core/tag_selector.ts";
import type {
  ContentSource,
  Refuse,
  SourceBlob,
  SourceManifest,
  SourceTag,
} from "../ports/content_source.ts";
import type { Upstream } from "../ports/upstream.ts";
import { noteUpstreamFault, readToEnd } from "./upstream_blob.ts";

/** Tags of one repository that are looked at, and referrers of one manifest. */
const MOST_TAGS = 200_000;
const MOST_REFERRERS = 1000;

/** Questions that are asked of the upstream beside each other. */
const AT_ONCE = 8;

/** Bytes of indexes that are remembered between the choice of tags and the copying. */
const REMEMBERED_BYTES = 32 * 1024 * 1024;

/** Tags that cosign gives to signatures and the like of a manifest, `sha256-<hex>.sig`. */
const COMPANION_SUFFIXES = ["sig", "att", "sbom"];

export interface Wanted {
  /** Name of the repository there. */
  readonly remote: RepositoryName;
  /** Name of the repository here. */
  readonly to: RepositoryName;
  readonly tags: readonly TagSelector[];
  readonly digests: readonly Digest[];
  /** None stands for all. */
  readonly platforms: readonly Platform[];
  readonly referrers: boolean;
}

interface Surroundings {
  readonly upstream: Upstream;
  /** A manifest that the repository here has already, so that nobody is asked for it. */
  readonly findHere: (digest: Digest) => Promise<SourceManifest | undefined>;
  /** No blob is opened. */
  readonly dryRun: boolean;
}

export class UpstreamSource implements ContentSource {
  readonly #wanted: Wanted;
  readonly #upstream: Upstream;
  readonly #findHere: Surroundings["findHere"];
  readonly #dryRun: boolean;
  /** Manifests that were asked for by name: no choice of platforms leaves them out. */
  readonly #named: Set<Digest>;
  /** Manifests for platforms that nobody wants. */
  readonly #others = new Set<Digest>();
  /** Manifests that were read, in their order: what refers to them is wanted too. */
  readonly #read = new Set<Digest>();
  readonly #indexes = new Map<Digest, SourceManifest>();
  #indexBytes = 0;

  /** @param upstream stays open */
  constructor(wanted: Wanted, { upstream, findHere, dryRun }: Surroundings) {
    this.#wanted = wanted;
    this.#upstream = upstream;
    this.#findHere = findHere;
    this.#dryRun = dryRun;
    this.#named = new Set(wanted.digests);
  }

  async *listRepositories(): AsyncIterable<RepositoryName> {
    yield this.#wanted.to;
  }

  async *listTags(_: RepositoryName, refuse: Refuse): AsyncIterable<SourceTag> {
    const { tags, referrers } = this.#wanted;
    const names = tags.flatMap((selector) => selector.kind === "tag" ? [selector.tag] : []);
    const listed = names.length < tags.length ? await this.#listTags() : undefined;
    const chosen = new Set([...names, ...listed?.filter((tag) => isSelected(tags, tag)) ?? []]);
    const subjects: Digest[] = [];
    for await (const found of this.#resolve([...chosen], refuse)) {
      this.#named.add(found.digest);
      yield found;
      if (referrers) subjects.push(...await this.#withChildren(found.digest, found.isIndex));
    }
    if (referrers) {
      const known = listed && new Set(listed);
      const companions = new Set(subjects.flatMap(companionTags));
      for (const tag of chosen) companions.delete(tag);
      const asked = [...companions].filter((tag) => known === undefined || known.has(tag));
      for await (const found of this.#resolve(asked, () => {})) {
        this.#named.add(found.digest);
        yield found;
      }
    }
  }

  async *listManifests(_: RepositoryName, refuse: Refuse): AsyncIterable<Digest> {
    yield* this.#wanted.digests;
    if (!this.#wanted.referrers) return;
    // Grows on the way: a signature may be signed.
    for (const subject of this.#read) {
      for (const digest of await this.#listReferrers(subject, refuse)) {
        if (this.#read.has(digest)) continue;
        this.#named.add(digest);
        yield digest;
      }
    }
  }

  async readManifest(_: RepositoryName, digest: Digest): Promise<SourceManifest | undefined> {
    if (this.#others.has(digest) && !this.#named.has(digest)) return undefined;
    const found = await this.#find(digest);
    if (found !== undefined) this.#read.add(digest);
    return found;
  }

  async findBlob(_: RepositoryName, digest: Digest): Promise<SourceBlob | undefined> {
    const { remote } = this.#wanted;
    return await noteUpstreamFault(async () => {
      if (this.#dryRun) {
        const size = await this.#upstream.headBlob(remote, digest);
        return size === undefined ? undefined : { size, chunks: () => noChunks(digest) };
      }
      const blob = await this.#upstream.getBlob(remote, digest);
      if (blob === undefined) return undefined;
      const leave = () => blob.abort();
      try {
        const size = blob.size ?? await this.#upstream.headBlob(remote, digest) ?? 0;
        const askForRest = (start: number) => this.#upstream.getBlob(remote, digest, start);
        return { size, chunks: () => readToEnd(blob, size, askForRest), leave };
      } catch (fault) {
        leave();
        throw fault;
      }
    });
  }

  /**
   * Most images stand on layers of others, which need not move again. The upstream is asked: whoever pushes a manifest
   * there may have written any digest into it.
   */
  async leavesOut(digest: Digest): Promise<boolean> {
    const { remote } = this.#wanted;
    return await noteUpstreamFault(() => this.#upstream.headBlob(remote, digest)) !== undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #listTags(): Promise<readonly Tag[]> {
    const { remote } = this.#wanted;
    const tags = await this.#upstream.listTags(remote, MOST_TAGS);
    if (tags === undefined) throw new SourceFault(`${this.#upstream.url} has no repository "${remote}"`);
    return tags.toSorted();
  }

  /** None where the upstream cannot give the list: that is told, and those of others come. */
  async #listReferrers(subject: Digest, refuse: Refuse): Promise<readonly Digest[]> {
    const { remote, to } = this.#wanted;
    try {
      const found = await noteUpstreamFault(() =>
        this.#upstream.listReferrers(remote, subject, MOST_REFERRERS)
      );
      return found.map(({ digest }) => digest);
    } catch (fault) {
      if (!(fault instanceof SourceFault)) throw fault;
      refuse({ subject: `referrers of ${to}@${subject}`, why: fault.message });
      return [];
    }
  }

  /** What tags name, in their order. */
  async *#resolve(
    tags: readonly Tag[],
    refuse: Refuse,
  ): AsyncIterable<SourceTag & { readonly isIndex: boolean }> {
    const { remote, to } = this.#wanted;
    for (let at = 0; at < tags.length; at += AT_ONCE) {
      const batch = tags.slice(at, at + AT_ONCE);
      const found = await Promise.all(batch.map((tag) => noteUpstreamFault(() => this.#headTag(tag))));
      for (const [index, tag] of batch.entries()) {
        const head = found[index];
        if (head === undefined) {
          refuse({ subject: `${to}:${tag}`, why: `${this.#upstream.url} has no ${remote}:${tag}` });
        } else yield { tag, digest: head.digest, isIndex: isIndexType(head.mediaType) };
      }
    }
  }

  async #headTag(
    tag: Tag,
  ): Promise<{ readonly digest: Digest; readonly mediaType: MediaType } | undefined> {
    const reference = { kind: "tag", tag } as const;
    const head = await this.#upstream.headManifest(this.#wanted.remote, reference);
    if (typeof head !== "string") return head;
    return await this.#upstream.getManifest(this.#wanted.remote, reference);
  }

  /** The manifest, and those of an index that are wanted: builders sign either. */
  async #withChildren(digest: Digest, isIndex: boolean): Promise<Digest[]> {
    if (!isIndex) return [digest];
    try {
      const index = await this.#find(digest);
      if (index === undefined) return [digest];
      const children = parseManifest(index.bytes, index.mediaType!).references.map((child) => child.digest);
      return [digest, ...children.filter((child) => !this.#others.has(child))];
    } catch (error) {
      // Copying it tells what is wrong with it.
      if (error instanceof SourceFault) return [digest];
      throw error;
    }
  }

  /** From here, from memory, or from the upstream. @throws {SourceFault} for an index without a wanted platform */
  async #find(digest: Digest): Promise<SourceManifest | undefined> {
    const { remote } = this.#wanted;
    const known = this.#indexes.get(digest) ?? await this.#findHere(digest);
    const found = known ??
      await noteUpstreamFault(() => this.#upstream.getManifest(remote, { kind: "digest", digest }));
    if (found?.mediaType === undefined) return found;
    if (isIndexType(found.mediaType)) {
      this.#choosePlatforms(found.bytes, found.mediaType);
      this.#remember(digest, found);
    }
    return { mediaType: found.mediaType, bytes: found.bytes.slice() };
  }

  #choosePlatforms(bytes: Uint8Array, mediaType: MediaType): void {
    const { platforms } = this.#wanted;
    if (platforms.length === 0) return;
    try {
      parseManifest(bytes, mediaType);
    } catch (cause) {
      throw new SourceFault((cause as Error).message, { cause });
    }
    const { others, missing } = choosePlatforms(bytes, platforms);
    if (missing.length === platforms.length) {
      throw new SourceFault(`it is for none of ${platforms.map(formatPlatform).join(", ")}`);
    }
    for (const other of others) this.#others.add(other);
  }

  #remember(digest: Digest, { bytes, mediaType }: SourceManifest): void {
    if (this.#indexes.has(digest) || this.#indexBytes + bytes.length > REMEMBERED_BYTES) return;
    this.#indexes.set(digest, { bytes: bytes.slice(), mediaType });
    this.#indexBytes += bytes.length;
  }
}

function companionTags(subject: Digest): Tag[] {
  const stem = `${algorithmOf(subject)}-${hexOf(subject)}`;
  // Of sha512 it would be longer than a tag may be.
  return stem.length > 120 ? [] : COMPANION_SUFFIXES.map((suffix) => `${stem}.${suffix}` as Tag);
}

// deno-lint-ignore require-yield -- a dry run reads nothing
async function* noChunks(digest: Digest): AsyncIterable<Uint8Array> {
  throw new SourceFault(`blob ${digest} is not read in a dry run`);
}
