/** The Garbage of SQLite: looks on a connection for reading, removals by the one writer. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Digest } from "../../core/digest.ts";
import type { RepositoryName } from "../../core/repository_name.ts";
import type {
  EmptyRepository,
  FormerRecord,
  Garbage,
  GarbageCursor,
  GarbageLimits,
  GarbagePage,
  GarbageRecord,
  Hold,
  OrphanedReferrer,
  RepositoryRemoval,
  TakenBlob,
  UnheldBlob,
  UnusedContent,
} from "../../ports/garbage.ts";
import type { CommandName } from "./group_commit.ts";
import { GARBAGE_QUERIES } from "./garbage_queries.ts";
import type { WriteCommands } from "./write_commands.ts";
import type { CommandRunner } from "./writer_link.ts";

/** Rows that one page looks at: a few milliseconds. */
const PAGE = 500;

/** A text that comes after every name and digest, and an id after every other. */
const LAST_TEXT = "\u{10ffff}";
const LAST_ID = Number.MAX_SAFE_INTEGER;

type Row = Record<string, string | number | null>;
type Name = keyof typeof GARBAGE_QUERIES;

/** The walks: where each begins and where each ends at the latest. */
const WALKS = {
  orphans: { first: [0, "", ""], last: [LAST_ID, LAST_TEXT, LAST_TEXT] },
  holds: { first: [0, ""], last: [LAST_ID, LAST_TEXT] },
  blobs: { first: [""], last: [LAST_TEXT] },
  contents: { first: [""], last: [LAST_TEXT] },
  repositories: { first: [""], last: [LAST_TEXT] },
} as const satisfies Partial<Record<Name, { first: GarbageCursor; last: GarbageCursor }>>;

// `async` on the readers: as in SqliteMetadataStore.
export class SqliteGarbage implements Garbage {
  readonly #database: DatabaseSync;
  /** Prepared when they are first needed: most threads never do. */
  readonly #statements: Partial<Record<Name, StatementSync>> = {};
  readonly #writer: CommandRunner;
  readonly #page: number;

  /**
   * @param database for reading
   * @param page rows that one page looks at
   */
  constructor(database: DatabaseSync, writer: CommandRunner, page = PAGE) {
    this.#database = database;
    this.#writer = writer;
    this.#page = page;
  }

  async listOrphans(
    { usedBefore, historySince }: GarbageLimits,
    after?: GarbageCursor,
  ): Promise<GarbagePage<OrphanedReferrer>> {
    return this.#walk("orphans", after, orphanOf, usedBefore, historySince);
  }

  async listOrphansOf(
    repository: RepositoryName,
    subject: Digest,
    { usedBefore, historySince }: GarbageLimits,
  ): Promise<OrphanedReferrer[]> {
    return this.#rows("orphansOf", repository, subject, usedBefore, historySince).map(orphanOf);
  }

  async listUnusedHolds(usedBefore: number, after?: GarbageCursor): Promise<GarbagePage<Hold>> {
    return this.#walk("holds", after, holdOf, usedBefore);
  }

  async listUnusedHoldsOf(
    repository: RepositoryName,
    since: number,
    usedBefore: number,
    [after = ""]: GarbageCursor = [],
  ): Promise<GarbagePage<Hold>> {
    const end = this.#rows("holdsOfEnd", repository, after, this.#page - 1)[0]?.digest as Digest | undefined;
    const rows = this.#rows("holdsOf", repository, after, end ?? LAST_TEXT, since, usedBefore);
    return { found: rows.map(holdOf), next: end && [end] };
  }

  async listHoldsBelow(
    repository: RepositoryName,
    manifest: Digest,
    usedBefore: number,
  ): Promise<{ hold: Hold; manifests: Digest[] }[]> {
    return this.#rows("holdsBelow", repository, manifest, usedBefore).map((row) => ({
      hold: holdOf(row),
      manifests: this.#rows("referencing", repository, row.digest!).map((each) => each.manifest as Digest),
    }));
  }

  async listUnheldBlobs(usedBefore: number, after?: GarbageCursor): Promise<GarbagePage<UnheldBlob>> {
    return this.#walk("blobs", after, unheldBlobOf, usedBefore);
  }

  async listUnusedContents(after?: GarbageCursor): Promise<GarbagePage<UnusedContent>> {
    return this.#walk("contents", after, contentOf);
  }

  async listEmptyRepositories(
    usedBefore: number,
    after?: GarbageCursor,
  ): Promise<GarbagePage<EmptyRepository>> {
    return this.#walk("repositories", after, repositoryOf, usedBefore);
  }

  async findAlmostEmpty(
    repository: RepositoryName,
    { manifests, blobs }: { readonly manifests: number; readonly blobs: number },
    usedBefore: number,
  ): Promise<EmptyRepository | undefined> {
    return this.#rows("almostEmpty", repository, usedBefore, manifests, blobs).map(repositoryOf)[0];
  }

  removeOrphans(orphans: readonly OrphanedReferrer[], limits: GarbageLimits): Promise<OrphanedReferrer[]> {
    return this.#write("removeOrphans", orphans, limits);
  }

  removeHolds(
    holds: readonly Hold[],
    usedBefore: number,
  ): Promise<{ holds: readonly Hold[]; blobs: readonly TakenBlob[] }> {
    return this.#write("removeHolds", holds, usedBefore);
  }

  removeUnheldBlobs(blobs: readonly UnheldBlob[], usedBefore: number): Promise<TakenBlob[]> {
    return this.#write("removeUnheldBlobs", blobs, usedBefore);
  }

  removeContents(contents: readonly UnusedContent[]): Promise<UnusedContent[]> {
    return this.#write("removeContents", contents);
  }

  removeRepository(repository: RepositoryName, usedBefore: number): Promise<RepositoryRemoval> {
    return this.#write("removeRepository", repository, usedBefore);
  }

  forgetGoneSubjects(before: number, limit: number): Promise<number> {
    return this.#write("forgetGoneSubjects", before, limit);
  }

  async readRecord(): Promise<FormerRecord | undefined> {
    const row = this.#rows("record")[0];
    return row && { record: row.record as string, earliest: row.earliest as number };
  }

  writeRecord(record: GarbageRecord): Promise<number | undefined> {
    return this.#write("writeCollectRecord", record);
  }

  #walk<T>(
    name: keyof typeof WALKS,
    after: GarbageCursor | undefined,
    read: (row: Row) => T,
    ...limits: number[]
  ): GarbagePage<T> {
    const { first, last } = WALKS[name];
    const from = after ?? first;
    const row = this.#rows(`${name}End`, ...from, this.#page - 1)[0];
    const end = row && Object.values(row) as GarbageCursor;
    return { found: this.#rows(name, ...from, ...(end ?? last), ...limits).map(read), next: end };
  }

  #rows(name: Name, ...values: (string | number)[]): Row[] {
    const statement = this.#statements[name] ??= this.#database.prepare(GARBAGE_QUERIES[name]);
    return statement.all(...values) as Row[];
  }

  #write<N extends CommandName>(
    name: N,
    ...args: Parameters<WriteCommands[N]>
  ): Promise<ReturnType<WriteCommands[N]>> {
    return this.#writer.run({ name, args }) as Promise<ReturnType<WriteCommands[N]>>;
  }
}

function orphanOf(row: Row): OrphanedReferrer {
  return {
    repository: row.name as RepositoryName,
    digest: row.digest as Digest,
    subject: row.subject as Digest,
    size: row.size as number,
    usedAt: row.used_at as number,
    isChild: row.is_child === 1,
  };
}

function holdOf(row: Row): Hold {
  return {
    repository: row.name as RepositoryName,
    digest: row.digest as Digest,
    size: row.size as number,
    announcedAt: row.announced_at as number,
  };
}

function unheldBlobOf(row: Row): UnheldBlob {
  return {
    digest: row.digest as Digest,
    size: row.size as number,
    createdAt: row.created_at as number,
  };
}

function contentOf(row: Row): UnusedContent {
  return { digest: row.digest as Digest, size: row.size as number };
}

function repositoryOf(row: Row): EmptyRepository {
  return { repository: row.name as RepositoryName, createdAt: row.created_at as number };
}
