/** The Inventory on SQLite. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Digest, DigestAlgorithm } from "../../core/digest.ts";
import type { MediaType } from "../../core/media_type.ts";
import type { Reference } from "../../core/reference.ts";
import type { RepositoryName } from "../../core/repository_name.ts";
import type { Tag } from "../../core/tag.ts";
import type {
  Inventory,
  ManifestFacts,
  ManifestGroup,
  PullFacts,
  RepositoryFacts,
  StorageTotals,
  TagFacts,
  TagRemoval,
} from "../../ports/inventory.ts";
import type { UploadSessionId } from "../../core/upload_session_id.ts";
import type { PageRequest, UploadSession } from "../../ports/metadata_store.ts";
import { INVENTORY_QUERIES } from "./inventory_queries.ts";
import type { CommandRunner } from "./writer_link.ts";

/** A page of manifests ends when its annotations reach this many characters. */
const PAGE_CHARACTERS = 1024 * 1024;

type Row = Record<string, string | number | null>;

// `async` on the readers: as in SqliteMetadataStore.
export class SqliteInventory implements Inventory {
  readonly #statements = {} as Record<keyof typeof INVENTORY_QUERIES, StatementSync>;
  readonly #writer: CommandRunner;

  /** @param database for reading */
  constructor(database: DatabaseSync, writer: CommandRunner) {
    for (const [name, sql] of Object.entries(INVENTORY_QUERIES)) {
      this.#statements[name as keyof typeof INVENTORY_QUERIES] = database.prepare(sql);
    }
    this.#writer = writer;
  }

  async listRepositoryFacts(page: PageRequest<RepositoryName>): Promise<RepositoryFacts[]> {
    return this.#rows("repositoryFacts", page.after ?? "", page.limit).map((row) => ({
      repository: row.name as RepositoryName,
      blobBytes: row.blob_bytes as number,
      manifestBytes: row.manifest_bytes as number,
      blobs: row.blobs as number,
      manifests: row.manifests as number,
      tags: row.tags as number,
    }));
  }

  async readTotals(): Promise<StorageTotals> {
    const row = this.#rows("totals")[0]!;
    return {
      repositories: row.repositories as number,
      manifests: row.manifests as number,
      tags: row.tags as number,
      blobs: row.blobs as number,
      blobBytes: row.blob_bytes as number,
      uploads: row.uploads as number,
    };
  }

  async listTagFacts(repository: RepositoryName, page: PageRequest<Tag>): Promise<TagFacts[]> {
    return this.#rows("tagFacts", repository, page.after ?? "", page.limit).map((row) => ({
      tag: row.name as Tag,
      digest: row.digest as Digest,
      ...timesOf(row),
    }));
  }

  async listManifestFacts(repository: RepositoryName, page: PageRequest<Digest>): Promise<ManifestFacts[]> {
    const manifests: ManifestFacts[] = [];
    let characters = 0;
    const rows = this.#statements.manifestFacts.iterate(repository, page.after ?? "", page.limit);
    for (const row of rows as Iterable<Row>) {
      const annotations = row.annotations as string | null;
      manifests.push({
        digest: row.digest as Digest,
        mediaType: row.media_type as MediaType,
        artifactType: (row.artifact_type ?? undefined) as string | undefined,
        size: row.size as number,
        subject: (row.subject ?? undefined) as Digest | undefined,
        annotations: annotations ?? undefined,
        ...timesOf(row),
      });
      characters += annotations?.length ?? 0;
      if (characters >= PAGE_CHARACTERS) break;
    }
    return manifests;
  }

  async listChildren(repository: RepositoryName, index: Digest): Promise<Digest[]> {
    return this.#rows("children", repository, index).map(({ digest }) => digest as Digest);
  }

  async listParents(repository: RepositoryName, manifest: Digest, limit: number): Promise<Digest[]> {
    return this.#rows("parents", repository, manifest, limit).map((row) => row.manifest as Digest);
  }

  async listRestorable(
    repository: RepositoryName,
    since: number,
    page: PageRequest<Digest>,
  ): Promise<Digest[]> {
    return this.#rows("restorable", repository, since, page.after ?? "", page.limit)
      .map(({ previous }) => previous as Digest);
  }

  async sumContent(repository: RepositoryName, manifest: Digest): Promise<number> {
    return this.#rows("contentSize", repository, manifest)[0]!.size as number;
  }

  async listUploadsOf(
    repository: RepositoryName,
    page: PageRequest<UploadSessionId>,
  ): Promise<UploadSession[]> {
    return this.#rows("uploadsOf", repository, page.after ?? "", page.limit).map((row) => ({
      id: row.id as UploadSessionId,
      repository,
      algorithm: (row.algorithm ?? undefined) as DigestAlgorithm | undefined,
      startedAt: row.started_at as number,
      owner: row.owner as string,
      hasFile: row.has_file === 1,
    }));
  }

  async listPulls(
    repository: RepositoryName,
    of: Reference,
    limit: number,
  ): Promise<PullFacts[]> {
    const rows = of.kind === "tag"
      ? this.#rows("pullsOfTag", repository, of.tag, limit)
      : this.#rows("pullsOfManifest", repository, of.digest, limit);
    return rows.map((row) => ({
      client: row.client as string,
      tag: (row.tag || undefined) as Tag | undefined,
      digest: row.digest as Digest,
      at: row.at as number,
    }));
  }

  removeTags(repository: RepositoryName, removals: readonly TagRemoval[], at: number): Promise<Tag[]> {
    return this.#writer.run({ name: "removeTags", args: [repository, removals, at] }) as Promise<Tag[]>;
  }

  removeManifests(group: ManifestGroup): Promise<boolean> {
    return this.#writer.run({ name: "removeManifests", args: [group] }) as Promise<boolean>;
  }

  #rows(name: keyof typeof INVENTORY_QUERIES, ...values: (string | number)[]): Row[] {
    return this.#statements[name].all(...values) as Row[];
  }
}

function timesOf(row: Row): { pushedAt: number; pulledAt: number | undefined; pullCount: number } {
  return {
    pushedAt: row.pushed_at as number,
    pulledAt: (row.pulled_at ?? undefined) as number | undefined,
    pullCount: row.pull_count as number,
  };
}
