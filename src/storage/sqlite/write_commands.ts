/** Every write, as a function that runs inside the writer's transaction. What is refused is returned, and changes nothing. */
import type { Digest } from "../../core/digest.ts";
import type { RepositoryName } from "../../core/repository_name.ts";
import type { Tag } from "../../core/tag.ts";
import type { UploadSessionId } from "../../core/upload_session_id.ts";
import type { BlobFile } from "../../ports/blob_store.ts";
import type {
  BlobDeletion,
  BlobMount,
  FinishedUpload,
  FinishOutcome,
  HeldBlob,
  ManifestDeletion,
  ManifestPush,
  ManifestPushOutcome,
  OverQuota,
  Quota,
  UploadSession,
} from "../../ports/metadata_store.ts";
import { databaseFileOf, isWithdrawnFile, withdrawnFileOf } from "../files/layout.ts";
import { GarbageCommands } from "./garbage_commands.ts";

/** Missing blobs that a refusal names. */
const MOST_MISSING = 100;

/** The writes by name. Arguments and results cross threads, so they are plain values. */
export class WriteCommands extends GarbageCommands {
  /** Changes nothing, but by a write: that it was answered shows that the writer and its disk work. */
  ping(): void {
    // What stays the same in one statement, SQLite would not write.
    for (const step of [1, -1]) this.sql.moveTotal.run(step);
  }

  startUpload(session: UploadSession): void {
    const { id, repository, algorithm, startedAt, owner, hasFile } = session;
    this.noteTime(startedAt);
    this.sql.insertUpload.run(id, repository, algorithm ?? null, startedAt, owner, hasFile ? 1 : 0);
  }

  noteUploadFile(repository: RepositoryName, id: UploadSessionId): boolean {
    return this.sql.noteUploadFile.get(id, repository) !== undefined;
  }

  finishUpload(upload: FinishedUpload): FinishOutcome {
    const over = this.#checkBlobQuota(upload.repository, upload.digest, upload.size, upload.quota);
    if (over !== undefined) return over;
    const session = this.sql.upload.get(upload.session, upload.repository) as
      | { started_at: number; has_file: number }
      | undefined;
    if (session === undefined) return { kind: "session_gone" };
    if ("bytes" in upload && upload.gathered && session.has_file === 1) return { kind: "session_busy" };
    this.sql.takeUpload.get(upload.session, upload.repository);
    this.noteTime(upload.at);
    const former = this.sql.blob.get(upload.digest) as { file: BlobFile; created_at: number } | undefined;
    // A file that came while this upload ran is as good as ours. An older one is replaced: it may have been damaged since.
    // One from the future came under another clock, and may be old as well.
    const keepFormer = former !== undefined && former.created_at > session.started_at &&
      former.created_at <= upload.at;
    const file = keepFormer ? former.file : this.#putBlob(upload);
    this.sql.putHold.run(this.ensureRepository(upload.repository, upload.at), upload.digest, upload.at);
    const brought = "file" in upload ? upload.file : undefined;
    return { kind: "finished", obsolete: [former?.file, brought].find((other) => other !== file) };
  }

  /** Gives the file that the row names from now on. */
  #putBlob(upload: FinishedUpload): BlobFile {
    const { digest, size, session, at } = upload;
    const file = "file" in upload ? upload.file : databaseFileOf(digest, session);
    this.sql.putBlob.run(digest, size, file, at);
    if ("file" in upload) this.sql.deleteSmallBlob.run(digest);
    else this.sql.putSmallBlob.run(digest, upload.bytes);
    return file;
  }

  cancelUpload(repository: RepositoryName, id: UploadSessionId): boolean {
    return this.sql.takeUpload.get(id, repository) !== undefined;
  }

  announceBlob(repository: RepositoryName, digest: Digest, at: number): void {
    const id = this.findRepository(repository);
    if (id === undefined) return;
    this.noteTime(at);
    this.sql.announce.run(at, id, digest);
  }

  mountBlob(mount: BlobMount): HeldBlob | OverQuota | undefined {
    const from = this.findRepository(mount.from);
    if (from === undefined) return undefined;
    const blob = this.sql.heldBlob.get(from, mount.digest) as { size: number; file: BlobFile } | undefined;
    if (blob === undefined) return undefined;
    const over = this.#checkBlobQuota(mount.repository, mount.digest, blob.size, mount.quota);
    if (over !== undefined) return over;
    this.noteTime(mount.at);
    this.sql.putHold.run(this.ensureRepository(mount.repository, mount.at), mount.digest, mount.at);
    return { digest: mount.digest, size: blob.size, file: blob.file, announcedAt: mount.at };
  }

  putManifest(push: ManifestPush): ManifestPushOutcome {
    const refusal = this.#checkTags(push) ?? this.#checkBlobs(push) ?? this.#checkManifestQuota(push);
    if (refusal !== undefined) return refusal;
    this.noteTime(push.at);
    const repository = this.ensureRepository(push.repository, push.at);
    this.sql.putContent.run(push.digest, push.bytes);
    this.sql.putManifest.run(
      repository,
      push.digest,
      push.mediaType,
      push.bytes.length,
      push.subject ?? null,
      push.artifactType ?? null,
      push.annotations === undefined ? null : JSON.stringify(push.annotations),
      push.at,
    );
    this.sql.deleteReferences.run(repository, push.digest);
    for (const [kind, references] of Map.groupBy(push.references, (reference) => reference.kind)) {
      // In the order of the table and of its index, which halves the time that thousands take.
      const digests = references.map(({ digest }) => digest).sort();
      this.sql.putReferences.run(repository, push.digest, kind, JSON.stringify(digests));
    }
    for (const tag of push.tags) this.moveTag(repository, tag, push.digest, push.at);
    return { kind: "stored" };
  }

  deleteTag(repository: RepositoryName, tag: Tag, at: number): boolean {
    const id = this.findRepository(repository);
    const row = id === undefined ? undefined : this.sql.takeTag.get(id, tag);
    if (id === undefined || row === undefined) return false;
    this.noteTime(at);
    this.sql.putHistory.run(id, tag, null, row.digest as Digest, at);
    return true;
  }

  deleteManifest(
    repository: RepositoryName,
    digest: Digest,
    at: number,
    tags?: readonly Tag[],
  ): ManifestDeletion {
    const id = this.findRepository(repository);
    if (id === undefined) return { kind: "unknown" };
    if (tags !== undefined) {
      const mayGo = new Set<string>(tags);
      const others = this.sql.tagsOf.all(id, digest).some(({ name }) => !mayGo.has(name as string));
      if (others) return { kind: "tagged" };
    }
    if (this.sql.takeManifest.get(id, digest) === undefined) return { kind: "unknown" };
    this.noteTime(at);
    this.sql.putGoneSubject.run(id, digest, at);
    for (const { name } of this.sql.takeTagsOf.all(id, digest)) {
      this.sql.putHistory.run(id, name as Tag, null, digest, at);
    }
    this.sql.deleteReferences.run(id, digest);
    this.sql.deleteUnusedContent.run(digest, digest);
    return { kind: "deleted" };
  }

  deleteBlob(repository: RepositoryName, digest: Digest): BlobDeletion {
    const id = this.findRepository(repository);
    if (id === undefined || this.sql.heldBlob.get(id, digest) === undefined) return { kind: "unknown" };
    const by = this.sql.referenceToBlob.get(id, digest) as { manifest: Digest } | undefined;
    if (by !== undefined) return { kind: "referenced", by: by.manifest };
    this.sql.deleteHold.run(id, digest);
    const row = this.sql.takeUnheldBlob.get(digest, digest) as { file: BlobFile } | undefined;
    return { kind: "deleted", obsolete: row?.file };
  }

  withdrawBlob(digest: Digest, file: BlobFile): boolean {
    if (this.sql.withdrawBlob.get(withdrawnFileOf(digest), digest, file) === undefined) return false;
    this.sql.deleteSmallBlob.run(digest);
    return true;
  }

  withdrawContent(digest: Digest, damaged: Uint8Array): boolean {
    return this.sql.withdrawContent.get(digest, damaged) !== undefined;
  }

  #checkBlobQuota(
    repository: RepositoryName,
    digest: Digest,
    size: number,
    quota: Quota | undefined,
  ): OverQuota | undefined {
    if (quota?.bytes === undefined) return undefined;
    const id = this.findRepository(repository);
    const isHeld = id !== undefined && this.sql.heldBlob.get(id, digest) !== undefined;
    return isHeld ? undefined : this.checkQuota(id, quota, { bytes: size });
  }

  #checkManifestQuota({ repository, digest, bytes, tags, quota }: ManifestPush): OverQuota | undefined {
    if (quota === undefined) return undefined;
    const id = this.findRepository(repository);
    const isNew = id === undefined || this.sql.manifest.get(id, digest) === undefined;
    const newTags = tags.filter((tag) => id === undefined || this.sql.tag.get(id, tag) === undefined);
    return this.checkQuota(id, quota, {
      ...(isNew && { bytes: bytes.length, manifests: 1 }),
      ...(newTags.length > 0 && { tags: new Set(newTags).size }),
    });
  }

  #checkTags({ repository, digest, immutableTags = [] }: ManifestPush): ManifestPushOutcome | undefined {
    const id = immutableTags.length === 0 ? undefined : this.findRepository(repository);
    if (id === undefined) return undefined;
    for (const tag of immutableTags) {
      const current = this.sql.tag.get(id, tag)?.digest as Digest | undefined;
      if (current !== undefined && current !== digest) return { kind: "tag_immutable", tag, current };
    }
    return undefined;
  }

  #checkBlobs({ references, requireBlobs, ...push }: ManifestPush): ManifestPushOutcome | undefined {
    const repository = this.findRepository(push.repository);
    const missing: Digest[] = [];
    for (const { kind, digest, size } of references) {
      if (kind === "child" || kind === "foreign") continue;
      const blob = repository === undefined
        ? undefined
        : this.sql.heldBlob.get(repository, digest) as { size: number; file: BlobFile } | undefined;
      if (blob === undefined || isWithdrawnFile(blob.file)) {
        if (requireBlobs && missing.push(digest) >= MOST_MISSING) break;
      } else if (blob.size !== size) {
        return { kind: "size_differs", digest, stated: size, actual: blob.size };
      }
    }
    return missing.length > 0 ? { kind: "blobs_missing", missing } : undefined;
  }
}
