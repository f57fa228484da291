/** The MetadataStore on SQLite: reads here and now, writes by the one writer. */
import type { Descriptor } from "../../core/descriptor.ts";
import type { Digest } from "../../core/digest.ts";
import type { Reference } from "../../core/reference.ts";
import type { RepositoryName } from "../../core/repository_name.ts";
import type { Tag } from "../../core/tag.ts";
import type { UploadSessionId } from "../../core/upload_session_id.ts";
import type {
  BlobDeletion,
  BlobMount,
  FinishedUpload,
  FinishOutcome,
  HeldBlob,
  ManifestDeletion,
  ManifestPush,
  ManifestPushOutcome,
  MetadataStore,
  OverQuota,
  PageRequest,
  Pull,
  StoredManifest,
  TagChange,
  TagRestore,
  TagRestoreOutcome,
  UploadSession,
  Usage,
} from "../../ports/metadata_store.ts";
import type { CommandName } from "./group_commit.ts";
import type { SqliteReader } from "./sqlite_reader.ts";
import type { WriteCommands } from "./write_commands.ts";
import type { CommandRunner } from "./writer_link.ts";

// `async` on the readers: the port is asynchronous so that a database elsewhere can take this one's place.
export class SqliteMetadataStore implements MetadataStore {
  readonly #reader: SqliteReader;
  readonly #writer: CommandRunner;

  constructor(reader: SqliteReader, writer: CommandRunner) {
    this.#reader = reader;
    this.#writer = writer;
  }

  async hasRepository(repository: RepositoryName): Promise<boolean> {
    return this.#reader.hasRepository(repository);
  }

  async findManifest(repository: RepositoryName, reference: Reference): Promise<StoredManifest | undefined> {
    return this.#reader.findManifest(repository, reference);
  }

  async findBlob(repository: RepositoryName, digest: Digest): Promise<HeldBlob | undefined> {
    return this.#reader.findBlob(repository, digest);
  }

  async listManifestsWith(repository: RepositoryName, content: Digest, limit: number): Promise<Digest[]> {
    return this.#reader.listManifestsWith(repository, content, limit);
  }

  async listHolders(digest: Digest, limit: number): Promise<RepositoryName[]> {
    return this.#reader.listHolders(digest, limit);
  }

  async listTags(repository: RepositoryName, page: PageRequest<Tag>): Promise<Tag[]> {
    return this.#reader.listTags(repository, page);
  }

  async listTagsOf(repository: RepositoryName, digest: Digest, page: PageRequest<Tag>): Promise<Tag[]> {
    return this.#reader.listTagsOf(repository, digest, page);
  }

  async listRepositories(page: PageRequest<RepositoryName>): Promise<RepositoryName[]> {
    return this.#reader.listRepositories(page);
  }

  async listReferrers(
    repository: RepositoryName,
    subject: Digest,
    page: PageRequest<Digest> & { readonly artifactType?: string },
  ): Promise<Descriptor[]> {
    return this.#reader.listReferrers(repository, subject, page);
  }

  async findUpload(repository: RepositoryName, id: UploadSessionId): Promise<UploadSession | undefined> {
    return this.#reader.findUpload(repository, id);
  }

  async listUploads(before: number, page: PageRequest<UploadSessionId>): Promise<UploadSession[]> {
    return this.#reader.listUploads(before, page);
  }

  async readUsage(repository: RepositoryName): Promise<Usage> {
    return this.#reader.readUsage(repository);
  }

  async listTagHistory(
    repository: RepositoryName,
    tag: Tag,
    page: { readonly before?: number; readonly limit: number },
  ): Promise<TagChange[]> {
    return this.#reader.listTagHistory(repository, tag, page);
  }

  async checkReady(): Promise<void> {
    this.#reader.listRepositories({ limit: 1 });
    await this.#write("ping");
  }

  startUpload(session: UploadSession): Promise<void> {
    return this.#write("startUpload", session);
  }

  noteUploadFile(repository: RepositoryName, id: UploadSessionId): Promise<boolean> {
    return this.#write("noteUploadFile", repository, id);
  }

  finishUpload(upload: FinishedUpload): Promise<FinishOutcome> {
    return this.#write("finishUpload", upload);
  }

  cancelUpload(repository: RepositoryName, id: UploadSessionId): Promise<boolean> {
    return this.#write("cancelUpload", repository, id);
  }

  announceBlob(repository: RepositoryName, digest: Digest, at: number): Promise<void> {
    return this.#write("announceBlob", repository, digest, at);
  }

  mountBlob(mount: BlobMount): Promise<HeldBlob | OverQuota | undefined> {
    return this.#write("mountBlob", mount);
  }

  putManifest(push: ManifestPush): Promise<ManifestPushOutcome> {
    return this.#write("putManifest", push);
  }

  deleteTag(repository: RepositoryName, tag: Tag, at: number): Promise<boolean> {
    return this.#write("deleteTag", repository, tag, at);
  }

  deleteManifest(
    repository: RepositoryName,
    digest: Digest,
    at: number,
    tags?: readonly Tag[],
  ): Promise<ManifestDeletion> {
    return this.#write("deleteManifest", repository, digest, at, tags);
  }

  deleteBlob(repository: RepositoryName, digest: Digest): Promise<BlobDeletion> {
    return this.#write("deleteBlob", repository, digest);
  }

  restoreTag(restore: TagRestore): Promise<TagRestoreOutcome> {
    return this.#write("restoreTag", restore);
  }

  pruneTagHistory(before: number, limit: number): Promise<number> {
    return this.#write("pruneTagHistory", before, limit);
  }

  recordPulls(pulls: readonly Pull[]): Promise<void> {
    return this.#write("recordPulls", pulls);
  }

  prunePulls(before: number, limit: number): Promise<number> {
    return this.#write("prunePulls", before, limit);
  }

  #write<N extends CommandName>(
    name: N,
    ...args: Parameters<WriteCommands[N]>
  ): Promise<ReturnType<WriteCommands[N]>> {
    return this.#writer.run({ name, args }) as Promise<ReturnType<WriteCommands[N]>>;
  }
}
