/** The mirrors of one thread that asks upstreams itself. */
import type { Descriptor } from "../core/descriptor.ts";
import type { Digest } from "../core/digest.ts";
import type { RepositoryName } from "../core/repository_name.ts";
import type { Tag } from "../core/tag.ts";
import type { PageRequest } from "../ports/metadata_store.ts";
import type { Mirrors, TagFreshness, UpstreamList } from "../ports/mirrors.ts";
import type { Arrival } from "./arrival.ts";
import { MirrorBlobs } from "./mirror_blobs.ts";
import { MirrorLists } from "./mirror_lists.ts";
import { MirrorManifests } from "./mirror_manifests.ts";
import type { MirrorSource } from "./mirror_source.ts";
import { MirrorWork } from "./mirror_work.ts";
import type { Registry } from "./registry.ts";

export class LocalMirrors implements Mirrors {
  readonly #manifests: MirrorManifests;
  readonly #blobs: MirrorBlobs;
  readonly #lists: MirrorLists;

  /** @param sourceOf gives undefined for a repository that is no mirror */
  constructor(registry: Registry, sourceOf: (repository: RepositoryName) => MirrorSource | undefined) {
    const work = new MirrorWork(registry, sourceOf);
    this.#manifests = new MirrorManifests(work);
    this.#blobs = new MirrorBlobs(work);
    this.#lists = new MirrorLists(work);
  }

  freshenTag(repository: RepositoryName, tag: Tag): Promise<TagFreshness> {
    return this.#manifests.freshenTag(repository, tag);
  }

  bringManifest(repository: RepositoryName, digest: Digest): Promise<void> {
    return this.#manifests.bring(repository, digest);
  }

  bringBlob(repository: RepositoryName, digest: Digest): Promise<Arrival | undefined> {
    return this.#blobs.bring(repository, digest);
  }

  sizeOfBlob(repository: RepositoryName, digest: Digest): Promise<number> {
    return this.#blobs.sizeOf(repository, digest);
  }

  listTags(repository: RepositoryName, page: PageRequest<Tag>): Promise<UpstreamList<Tag> | undefined> {
    return this.#lists.listTags(repository, page);
  }

  listReferrers(repository: RepositoryName, subject: Digest): Promise<UpstreamList<Descriptor>> {
    return this.#lists.listReferrers(repository, subject);
  }
}
