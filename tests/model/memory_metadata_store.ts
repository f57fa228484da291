/** A MetadataStore in memory: the port's promises in the fewest lines, a model to hold the real one against. */
import type { Descriptor } from "../../src/core/descriptor.ts";
import type { Digest } from "../../src/core/digest.ts";
import type { Reference } from "../../src/core/reference.ts";
import type { RepositoryName } from "../../src/core/repository_name.ts";
import type { Tag } from "../../src/core/tag.ts";
import type { UploadSessionId } from "../../src/core/upload_session_id.ts";
import type { BlobFile } from "../../src/ports/blob_store.ts";
import type {
  BlobDeletion,
  FinishedUpload,
  FinishOutcome,
  HeldBlob,
  ManifestDeletion,
  ManifestPush,
  ManifestPushOutcome,
  MetadataStore,
  PageRequest,
  StoredManifest,
  UploadSession,
} from "../../src/ports/metadata_store.ts";

/** A page of referrers ends when its annotations reach this many characters. */
const ANNOTATIONS_PER_PAGE = 1024 * 1024;

interface Repository {
  readonly blobs: Map<Digest, { announcedAt: number }>;
  readonly manifests: Map<Digest, ManifestPush>;
  readonly tags: Map<Tag, Digest>;
}

export class MemoryMetadataStore implements MetadataStore {
  readonly repositories = new Map<RepositoryName, Repository>();
  readonly blobs = new Map<Digest, { size: number; file: BlobFile }>();
  readonly uploads = new Map<UploadSessionId, UploadSession>();

  hasRepository(repository: RepositoryName): Promise<boolean> {
    return Promise.resolve(this.repositories.has(repository));
  }

  findManifest(repository: RepositoryName, reference: Reference): Promise<StoredManifest | undefined> {
    const found = this.repositories.get(repository);
    const digest = reference.kind === "tag" ? found?.tags.get(reference.tag) : reference.digest;
    const manifest = digest && found?.manifests.get(digest);
    return Promise.resolve(
      manifest && { digest: manifest.digest, mediaType: manifest.mediaType, bytes: manifest.bytes },
    );
  }

  findBlob(repository: RepositoryName, digest: Digest): Promise<HeldBlob | undefined> {
    const hold = this.repositories.get(repository)?.blobs.get(digest);
    const blob = this.blobs.get(digest);
    return Promise.resolve(hold && blob && { digest, ...blob, announcedAt: hold.announcedAt });
  }

  listHolders(digest: Digest, limit: number): Promise<RepositoryName[]> {
    const holders = [...this.repositories].filter(([, { blobs }]) => blobs.has(digest)).map(([name]) => name);
    return Promise.resolve(holders.sort().slice(0, limit));
  }

  listTags(repository: RepositoryName, page: PageRequest<Tag>): Promise<Tag[]> {
    return Promise.resolve(cut([...this.repositories.get(repository)?.tags.keys() ?? []], page));
  }

  listTagsOf(repository: RepositoryName, digest: Digest, page: PageRequest<Tag>): Promise<Tag[]> {
    const tags = [...this.repositories.get(repository)?.tags ?? []].filter(([, named]) => named === digest);
    return Promise.resolve(cut(tags.map(([tag]) => tag), page));
  }

  listRepositories(page: PageRequest<RepositoryName>): Promise<RepositoryName[]> {
    const filled = [...this.repositories].filter(([, { manifests }]) => manifests.size > 0);
    return Promise.resolve(cut(filled.map(([name]) => name), page));
  }

  listReferrers(
    repository: RepositoryName,
    subject: Digest,
    page: PageRequest<Digest> & { readonly artifactType?: string },
  ): Promise<Descriptor[]> {
    const manifests = this.repositories.get(repository)?.manifests ?? new Map<Digest, ManifestPush>();
    const matching = [...manifests.values()].filter((manifest) =>
      manifest.subject === subject &&
      (page.artifactType === undefined || manifest.artifactType === page.artifactType)
    );
    const descriptors: Descriptor[] = [];
    let characters = 0;
    for (const digest of cut(matching.map((manifest) => manifest.digest), page)) {
      const descriptor = descriptorOf(manifests.get(digest)!);
      descriptors.push(descriptor);
      characters += JSON.stringify(descriptor.annotations ?? {}).length;
      if (characters >= ANNOTATIONS_PER_PAGE) break;
    }
    return Promise.resolve(descriptors);
  }

  findUpload(repository: RepositoryName, id: UploadSessionId): Promise<UploadSession | undefined> {
    const session = this.uploads.get(id);
    return Promise.resolve(session?.repository === repository ? session : undefined);
  }

  listUploads(before: number, page: PageRequest<UploadSessionId>): Promise<UploadSession[]> {
    const old = [...this.uploads.values()].filter(({ startedAt }) => startedAt < before);
    return Promise.resolve(cut(old.map(({ id }) => id), page).map((id) => this.uploads.get(id)!));
  }

  checkReady(): Promise<void> {
    return Promise.resolve();
  }

  startUpload(session: UploadSession): Promise<void> {
    this.uploads.set(session.id, session);
    return Promise.resolve();
  }

  finishUpload(upload: FinishedUpload): Promise<FinishOutcome> {
    if (this.uploads.get(upload.session)?.repository !== upload.repository) {
      return Promise.resolve({ kind: "session_gone" });
    }
    this.uploads.delete(upload.session);
    const obsolete = this.blobs.get(upload.digest)?.file;
    this.blobs.set(upload.digest, { size: upload.size, file: upload.file });
    this.#repository(upload.repository).blobs.set(upload.digest, { announcedAt: upload.at });
    return Promise.resolve({ kind: "finished", obsolete });
  }

  async cancelUpload(repository: RepositoryName, id: UploadSessionId): Promise<boolean> {
    return await this.findUpload(repository, id) !== undefined && this.uploads.delete(id);
  }

  announceBlob(repository: RepositoryName, digest: Digest, at: number): Promise<void> {
    const hold = this.repositories.get(repository)?.blobs.get(digest);
    if (hold !== undefined) hold.announcedAt = at;
    return Promise.resolve();
  }

  async mountBlob(
    { repository, from, digest, at }: {
      repository: RepositoryName;
      from: RepositoryName;
      digest: Digest;
      at: number;
    },
  ): Promise<HeldBlob | undefined> {
    if (await this.findBlob(from, digest) === undefined) return undefined;
    this.#repository(repository).blobs.set(digest, { announcedAt: at });
    return await this.findBlob(repository, digest);
  }

  putManifest(push: ManifestPush): Promise<ManifestPushOutcome> {
    for (const tag of push.immutableTags ?? []) {
      const current = this.repositories.get(push.repository)?.tags.get(tag);
      if (current !== undefined && current !== push.digest) {
        return Promise.resolve({ kind: "tag_immutable", tag, current });
      }
    }
    const held = this.repositories.get(push.repository)?.blobs;
    const missing: Digest[] = [];
    for (const { kind, digest, size } of push.references) {
      if (kind === "child" || kind === "foreign") continue;
      const actual = held?.has(digest) ? this.blobs.get(digest)!.size : undefined;
      if (actual === undefined) missing.push(digest);
      else if (actual !== size) {
        return Promise.resolve({ kind: "size_differs", digest, stated: size, actual });
      }
    }
    if (push.requireBlobs && missing.length > 0) {
      return Promise.resolve({ kind: "blobs_missing", missing: missing.slice(0, 100) });
    }
    const repository = this.#repository(push.repository);
    repository.manifests.set(push.digest, push);
    for (const tag of push.tags) repository.tags.set(tag, push.digest);
    return Promise.resolve({ kind: "stored" });
  }

  deleteTag(repository: RepositoryName, tag: Tag): Promise<boolean> {
    return Promise.resolve(this.repositories.get(repository)?.tags.delete(tag) ?? false);
  }

  deleteManifest(
    repository: RepositoryName,
    digest: Digest,
    _at: number,
    tags?: readonly Tag[],
  ): Promise<ManifestDeletion> {
    const found = this.repositories.get(repository);
    const naming = [...found?.tags ?? []].filter(([, named]) => named === digest).map(([tag]) => tag);
    if (tags !== undefined && naming.some((tag) => !tags.includes(tag))) {
      return Promise.resolve({ kind: "tagged" });
    }
    for (const tag of naming) found!.tags.delete(tag);
    return Promise.resolve(found?.manifests.delete(digest) ? { kind: "deleted" } : { kind: "unknown" });
  }

  deleteBlob(repository: RepositoryName, digest: Digest): Promise<BlobDeletion> {
    const found = this.repositories.get(repository);
    if (!found?.blobs.has(digest)) return Promise.resolve({ kind: "unknown" });
    for (const manifest of found.manifests.values()) {
      if (manifest.references.some((reference) => reference.digest === digest)) {
        return Promise.resolve({ kind: "referenced", by: manifest.digest });
      }
    }
    found.blobs.delete(digest);
    const held = [...this.repositories.values()].some(({ blobs }) => blobs.has(digest));
    const obsolete = held ? undefined : this.blobs.get(digest)!.file;
    if (!held) this.blobs.delete(digest);
    return Promise.resolve({ kind: "deleted", obsolete });
  }

  #repository(name: RepositoryName): Repository {
    let repository = this.repositories.get(name);
    if (repository === undefined) {
      repository = { blobs: new Map(), manifests: new Map(), tags: new Map() };
      this.repositories.set(name, repository);
    }
    return repository;
  }
}

function descriptorOf(manifest: ManifestPush): Descriptor {
  return {
    mediaType: manifest.mediaType,
    digest: manifest.digest,
    size: manifest.bytes.length,
    ...(manifest.artifactType !== undefined && { artifactType: manifest.artifactType }),
    ...(manifest.annotations !== undefined && { annotations: manifest.annotations }),
  };
}

function cut<T extends string>(entries: T[], page: PageRequest<T>): T[] {
  return entries.filter((entry) => page.after === undefined || entry > page.after).sort().slice(
    0,
    page.limit,
  );
}
