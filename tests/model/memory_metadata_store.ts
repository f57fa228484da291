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
  Pull,
  StoredManifest,
  TagChange,
  TagRestore,
  TagRestoreOutcome,
  UploadSession,
  Usage,
} from "../../src/ports/metadata_store.ts";

/** A page of referrers ends when its annotations reach this many characters. */
const ANNOTATIONS_PER_PAGE = 256 * 1024;

interface Repository {
  readonly blobs: Map<Digest, { announcedAt: number }>;
  readonly manifests: Map<Digest, ManifestPush>;
  readonly tags: Map<Tag, Digest>;
}

export class MemoryMetadataStore implements MetadataStore {
  readonly repositories = new Map<RepositoryName, Repository>();
  readonly blobs = new Map<Digest, { size: number; file: BlobFile }>();
  readonly uploads = new Map<UploadSessionId, UploadSession>();
  /** Oldest first. */
  readonly history: (Omit<TagChange, "previousExists"> & { repository: RepositoryName; tag: Tag })[] = [];
  readonly pulls: Pull[] = [];

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

  listManifestsWith(repository: RepositoryName, content: Digest, limit: number): Promise<Digest[]> {
    const manifests = [...this.repositories.get(repository)?.manifests.values() ?? []].filter((manifest) =>
      manifest.references.some(({ digest }) => digest === content)
    );
    return Promise.resolve(manifests.map(({ digest }) => digest).sort().slice(0, limit));
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

  readUsage(repository: RepositoryName): Promise<Usage> {
    const found = this.repositories.get(repository);
    const blobs = [...found?.blobs.keys() ?? []];
    const manifests = [...found?.manifests.values() ?? []];
    return Promise.resolve({
      blobBytes: blobs.reduce((sum, digest) => sum + this.blobs.get(digest)!.size, 0),
      manifestBytes: manifests.reduce((sum, { bytes }) => sum + bytes.length, 0),
      blobs: blobs.length,
      manifests: manifests.length,
      tags: found?.tags.size ?? 0,
    });
  }

  listTagHistory(
    repository: RepositoryName,
    tag: Tag,
    { before = Infinity, limit }: { readonly before?: number; readonly limit: number },
  ): Promise<TagChange[]> {
    const found = this.repositories.get(repository);
    const changes = this.history.filter((change) =>
      change.repository === repository && change.tag === tag && change.id < before
    );
    return Promise.resolve(
      changes.reverse().slice(0, limit).map(({ id, digest, previous, at }) => ({
        id,
        digest,
        previous,
        previousExists: previous !== undefined && found!.manifests.has(previous),
        at,
      })),
    );
  }

  checkReady(): Promise<void> {
    return Promise.resolve();
  }

  startUpload(session: UploadSession): Promise<void> {
    this.uploads.set(session.id, session);
    return Promise.resolve();
  }

  async noteUploadFile(repository: RepositoryName, id: UploadSessionId): Promise<boolean> {
    const session = await this.findUpload(repository, id);
    if (session !== undefined) this.uploads.set(id, { ...session, hasFile: true });
    return session !== undefined;
  }

  finishUpload(upload: FinishedUpload): Promise<FinishOutcome> {
    if (this.uploads.get(upload.session)?.repository !== upload.repository) {
      return Promise.resolve({ kind: "session_gone" });
    }
    this.uploads.delete(upload.session);
    const obsolete = this.blobs.get(upload.digest)?.file;
    if (!("file" in upload)) throw new Error("every blob has a file here");
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
    for (const tag of push.tags) this.#nameTag(push.repository, tag, push.digest, push.at);
    return Promise.resolve({ kind: "stored" });
  }

  deleteTag(repository: RepositoryName, tag: Tag, at: number): Promise<boolean> {
    const previous = this.repositories.get(repository)?.tags.get(tag);
    if (previous === undefined) return Promise.resolve(false);
    this.#nameTag(repository, tag, undefined, at);
    return Promise.resolve(true);
  }

  deleteManifest(
    repository: RepositoryName,
    digest: Digest,
    at: number,
    tags?: readonly Tag[],
  ): Promise<ManifestDeletion> {
    const found = this.repositories.get(repository);
    const naming = [...found?.tags ?? []].filter(([, named]) => named === digest).map(([tag]) => tag);
    if (tags !== undefined && naming.some((tag) => !tags.includes(tag))) {
      return Promise.resolve({ kind: "tagged" });
    }
    for (const tag of naming.sort()) this.#nameTag(repository, tag, undefined, at);
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

  restoreTag({ repository, tag, digest, at }: TagRestore): Promise<TagRestoreOutcome> {
    const named = this.history.some((change) =>
      change.repository === repository && change.tag === tag &&
      (change.digest === digest || change.previous === digest)
    );
    if (!named) return Promise.resolve({ kind: "unknown" });
    const found = this.repositories.get(repository)!;
    if (!found.manifests.has(digest)) return Promise.resolve({ kind: "manifest_gone" });
    const previous = found.tags.get(tag);
    this.#nameTag(repository, tag, digest, at);
    return Promise.resolve({ kind: "restored", previous });
  }

  pruneTagHistory(before: number, limit: number): Promise<number> {
    const old = this.history.filter(({ at }) => at < before).slice(0, limit);
    for (const change of old) this.history.splice(this.history.indexOf(change), 1);
    return Promise.resolve(old.length);
  }

  recordPulls(pulls: readonly Pull[]): Promise<void> {
    this.pulls.push(...pulls);
    return Promise.resolve();
  }

  prunePulls(before: number, limit: number): Promise<number> {
    const old = this.pulls.filter(({ at }) => at < before).slice(0, limit);
    for (const pull of old) this.pulls.splice(this.pulls.indexOf(pull), 1);
    return Promise.resolve(old.length);
  }

  #nameTag(repository: RepositoryName, tag: Tag, digest: Digest | undefined, at: number): void {
    const { tags } = this.repositories.get(repository)!;
    const previous = tags.get(tag);
    if (digest === undefined) tags.delete(tag);
    else tags.set(tag, digest);
    if (digest === previous) return;
    this.history.push({ id: this.history.length + 1, repository, tag, digest, previous, at });
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
