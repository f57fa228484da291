/** What a registry must answer, as a model so small that it can be read: repositories, blobs, manifests, tags, sessions. */
import type { Content, ManifestContent } from "../http/content.ts";

export interface ModelManifest extends ManifestContent {
  /** Config and layers. */
  readonly blobs: readonly Content[];
}

interface ModelRepository {
  readonly blobs: Set<Content>;
  readonly manifests: Set<ModelManifest>;
  readonly tags: Map<string, ModelManifest>;
  /** Something was stored here once. */
  known: boolean;
}

export interface ModelSession {
  readonly repository: string;
  bytes: Uint8Array;
}

export class Expectations {
  readonly repositories = new Map<string, ModelRepository>();
  readonly sessions = new Map<string, ModelSession>();

  repository(name: string): ModelRepository {
    let repository = this.repositories.get(name);
    if (repository === undefined) {
      repository = { blobs: new Set(), manifests: new Set(), tags: new Map(), known: false };
      this.repositories.set(name, repository);
    }
    return repository;
  }

  holdBlob(name: string, blob: Content): void {
    this.repository(name).blobs.add(blob);
    this.repository(name).known = true;
  }

  isHeldAnywhere(blob: Content): boolean {
    return [...this.repositories.values()].some(({ blobs }) => blobs.has(blob));
  }

  isReferenced(name: string, blob: Content): boolean {
    return [...this.repository(name).manifests].some((manifest) => manifest.blobs.includes(blob));
  }

  /** Status of the push. */
  putManifest(name: string, manifest: ModelManifest, tag: string | undefined): number {
    const repository = this.repository(name);
    if (!manifest.blobs.every((blob) => repository.blobs.has(blob))) return 404;
    repository.manifests.add(manifest);
    repository.known = true;
    if (tag !== undefined) repository.tags.set(tag, manifest);
    return 201;
  }

  deleteManifest(name: string, manifest: ModelManifest): number {
    const repository = this.repository(name);
    for (const [tag, named] of repository.tags) {
      if (named === manifest) repository.tags.delete(tag);
    }
    return repository.manifests.delete(manifest) ? 202 : 404;
  }

  deleteBlob(name: string, blob: Content): number {
    const { blobs } = this.repository(name);
    if (!blobs.has(blob)) return 404;
    if (this.isReferenced(name, blob)) return 405;
    blobs.delete(blob);
    return 202;
  }
}
