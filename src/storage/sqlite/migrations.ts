/** The tables of `registry.db`, as numbered steps that are never edited once released. */
import type { DatabaseSync } from "node:sqlite";

const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE repository (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
  ) STRICT;

  -- Which file is current for a digest. Times are milliseconds since the epoch, sizes bytes.
  CREATE TABLE blob (
    digest TEXT NOT NULL PRIMARY KEY,
    size INTEGER NOT NULL,
    file TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- A repository sees only blobs that it holds.
  CREATE TABLE hold (
    repository INTEGER NOT NULL REFERENCES repository (id),
    digest TEXT NOT NULL REFERENCES blob (digest),
    announced_at INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX hold_by_digest ON hold (digest);

  -- Bytes of manifests, once for all repositories.
  CREATE TABLE content (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    bytes BLOB NOT NULL
  ) STRICT;

  CREATE TABLE manifest (
    id INTEGER PRIMARY KEY,
    repository INTEGER NOT NULL REFERENCES repository (id),
    digest TEXT NOT NULL REFERENCES content (digest),
    media_type TEXT NOT NULL,
    size INTEGER NOT NULL,
    subject TEXT,
    artifact_type TEXT,
    annotations TEXT,
    pushed_at INTEGER NOT NULL,
    UNIQUE (repository, digest)
  ) STRICT;
  CREATE INDEX manifest_by_digest ON manifest (digest);
  CREATE INDEX manifest_by_subject ON manifest (repository, subject, digest) WHERE subject IS NOT NULL;
  CREATE INDEX manifest_by_subject_and_type
    ON manifest (repository, subject, artifact_type, digest) WHERE subject IS NOT NULL;

  -- What a manifest points at: kind is config, layer, child or foreign.
  CREATE TABLE manifest_reference (
    repository INTEGER NOT NULL REFERENCES repository (id),
    manifest TEXT NOT NULL,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (repository, manifest, kind, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX manifest_reference_by_target ON manifest_reference (repository, digest);

  CREATE TABLE tag (
    repository INTEGER NOT NULL REFERENCES repository (id),
    name TEXT NOT NULL,
    digest TEXT NOT NULL,
    pushed_at INTEGER NOT NULL,
    pulled_at INTEGER,
    PRIMARY KEY (repository, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX tag_by_digest ON tag (repository, digest);

  -- Every move and deletion of a tag: digest is NULL where it was deleted, previous is NULL where it was new.
  CREATE TABLE tag_history (
    id INTEGER PRIMARY KEY,
    repository INTEGER NOT NULL REFERENCES repository (id),
    tag TEXT NOT NULL,
    digest TEXT,
    previous TEXT,
    at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX tag_history_by_tag ON tag_history (repository, tag, id);

  -- The name and not the id of the repository: an upload alone does not make a repository.
  CREATE TABLE upload_session (
    id TEXT NOT NULL PRIMARY KEY,
    repository TEXT NOT NULL,
    algorithm TEXT,
    started_at INTEGER NOT NULL,
    owner TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
];

/** The version of the tables that this program reads and writes. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** The database was written by a later version of the program. */
export class DatabaseTooNew extends Error {
  override readonly name = "DatabaseTooNew";
}

/**
 * Brings a database to {@linkcode SCHEMA_VERSION}, each step in a transaction of its own.
 *
 * @throws {DatabaseTooNew} when it is beyond that version already
 */
export function migrate(database: DatabaseSync): void {
  const version = schemaVersionOf(database);
  if (version > SCHEMA_VERSION) {
    throw new DatabaseTooNew(
      `Cannot open the database: its tables are version ${version}, this program knows up to ${SCHEMA_VERSION}. ` +
        "Start the newer simple-registry that wrote it, or restore a backup",
    );
  }
  for (let step = version; step < SCHEMA_VERSION; step++) {
    database.exec("BEGIN IMMEDIATE");
    try {
      database.exec(MIGRATIONS[step]!);
      database.exec(`PRAGMA user_version = ${step + 1}`);
      database.exec("COMMIT");
    } catch (error) {
      // SQLite has rolled back by itself when there was no room.
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }
}

function schemaVersionOf(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()!.user_version);
}
