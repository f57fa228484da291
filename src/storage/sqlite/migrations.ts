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
  `
  -- What can be restored is kept for a time only, and keeps manifests that no tag names.
  CREATE INDEX tag_history_by_time ON tag_history (at);
  CREATE INDEX tag_history_by_previous ON tag_history (repository, previous, at) WHERE previous IS NOT NULL;

  -- What a repository holds: bytes of the blobs that it holds and of its manifests, and how many. Kept by triggers, so
  -- that no writer can forget it.
  ALTER TABLE repository ADD COLUMN blob_bytes INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE repository ADD COLUMN manifest_bytes INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE repository ADD COLUMN blobs INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE repository ADD COLUMN manifests INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE repository ADD COLUMN tags INTEGER NOT NULL DEFAULT 0;
  UPDATE repository SET
    blob_bytes = (SELECT coalesce(sum(b.size), 0) FROM hold h JOIN blob b ON b.digest = h.digest
      WHERE h.repository = repository.id),
    blobs = (SELECT count(*) FROM hold WHERE hold.repository = repository.id),
    manifest_bytes = (SELECT coalesce(sum(size), 0) FROM manifest WHERE manifest.repository = repository.id),
    manifests = (SELECT count(*) FROM manifest WHERE manifest.repository = repository.id),
    tags = (SELECT count(*) FROM tag WHERE tag.repository = repository.id);
  CREATE TRIGGER count_hold AFTER INSERT ON hold BEGIN
    UPDATE repository SET blobs = blobs + 1,
      blob_bytes = blob_bytes + (SELECT size FROM blob WHERE digest = NEW.digest) WHERE id = NEW.repository;
  END;
  CREATE TRIGGER discount_hold AFTER DELETE ON hold BEGIN
    UPDATE repository SET blobs = blobs - 1,
      blob_bytes = blob_bytes - (SELECT size FROM blob WHERE digest = OLD.digest) WHERE id = OLD.repository;
  END;
  CREATE TRIGGER recount_blob AFTER UPDATE OF size ON blob WHEN NEW.size <> OLD.size BEGIN
    UPDATE repository SET blob_bytes = blob_bytes + NEW.size - OLD.size
      WHERE id IN (SELECT repository FROM hold WHERE digest = NEW.digest);
  END;
  CREATE TRIGGER count_manifest AFTER INSERT ON manifest BEGIN
    UPDATE repository SET manifests = manifests + 1, manifest_bytes = manifest_bytes + NEW.size
      WHERE id = NEW.repository;
  END;
  CREATE TRIGGER discount_manifest AFTER DELETE ON manifest BEGIN
    UPDATE repository SET manifests = manifests - 1, manifest_bytes = manifest_bytes - OLD.size
      WHERE id = OLD.repository;
  END;
  CREATE TRIGGER count_tag AFTER INSERT ON tag BEGIN
    UPDATE repository SET tags = tags + 1 WHERE id = NEW.repository;
  END;
  CREATE TRIGGER discount_tag AFTER DELETE ON tag BEGIN
    UPDATE repository SET tags = tags - 1 WHERE id = OLD.repository;
  END;

  -- How often tags and manifests are pulled, and by whom last.
  ALTER TABLE tag ADD COLUMN pull_count INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE manifest ADD COLUMN pulled_at INTEGER;
  ALTER TABLE manifest ADD COLUMN pull_count INTEGER NOT NULL DEFAULT 0;
  -- tag is '' for a pull by digest.
  CREATE TABLE pull (
    repository INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    tag TEXT NOT NULL,
    client TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (repository, digest, tag, client)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX pull_by_time ON pull (at);
  CREATE INDEX pull_of_manifest ON pull (repository, digest, at);
  CREATE INDEX pull_of_tag ON pull (repository, tag, at);
  `,
  "CREATE INDEX upload_session_of_repository ON upload_session (repository, id)",
  "CREATE INDEX pull_by_age ON pull (repository, digest, tag, at)",
  `
  -- What all repositories hold together, for those who watch the server: kept by triggers, since a scan of a large store for
  -- each look would be too much.
  CREATE TABLE total (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    repositories INTEGER NOT NULL,
    manifests INTEGER NOT NULL,
    tags INTEGER NOT NULL,
    blobs INTEGER NOT NULL,
    blob_bytes INTEGER NOT NULL,
    uploads INTEGER NOT NULL
  ) STRICT;
  INSERT INTO total VALUES (
    1,
    (SELECT count(*) FROM repository),
    (SELECT count(*) FROM manifest),
    (SELECT count(*) FROM tag),
    (SELECT count(*) FROM blob),
    (SELECT coalesce(sum(size), 0) FROM blob),
    (SELECT count(*) FROM upload_session)
  );
  CREATE TRIGGER total_repositories_up AFTER INSERT ON repository BEGIN UPDATE total SET repositories = repositories + 1; END;
  CREATE TRIGGER total_repositories_down AFTER DELETE ON repository BEGIN UPDATE total SET repositories = repositories - 1; END;
  CREATE TRIGGER total_manifests_up AFTER INSERT ON manifest BEGIN UPDATE total SET manifests = manifests + 1; END;
  CREATE TRIGGER total_manifests_down AFTER DELETE ON manifest BEGIN UPDATE total SET manifests = manifests - 1; END;
  CREATE TRIGGER total_tags_up AFTER INSERT ON tag BEGIN UPDATE total SET tags = tags + 1; END;
  CREATE TRIGGER total_tags_down AFTER DELETE ON tag BEGIN UPDATE total SET tags = tags - 1; END;
  CREATE TRIGGER total_uploads_up AFTER INSERT ON upload_session BEGIN UPDATE total SET uploads = uploads + 1; END;
  CREATE TRIGGER total_uploads_down AFTER DELETE ON upload_session BEGIN UPDATE total SET uploads = uploads - 1; END;
  CREATE TRIGGER total_blobs_up AFTER INSERT ON blob BEGIN
    UPDATE total SET blobs = blobs + 1, blob_bytes = blob_bytes + NEW.size;
  END;
  CREATE TRIGGER total_blobs_down AFTER DELETE ON blob BEGIN
    UPDATE total SET blobs = blobs - 1, blob_bytes = blob_bytes - OLD.size;
  END;
  CREATE TRIGGER total_blobs_resized AFTER UPDATE OF size ON blob WHEN NEW.size <> OLD.size BEGIN
    UPDATE total SET blob_bytes = blob_bytes + NEW.size - OLD.size;
  END;
  `,
  `
  -- When a manifest was deleted that others are about: they wait for it to come back for a time.
  CREATE TABLE gone_subject (
    repository INTEGER NOT NULL REFERENCES repository (id) ON DELETE CASCADE,
    digest TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (repository, digest)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX gone_subject_by_time ON gone_subject (at);

  -- What the collection knows about the ages of things, see AgeWatch. earliest is the least of the times before note_before
  -- that something was written with since the record, told that of before, as its writer has been told.
  CREATE TABLE collect_record (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    record TEXT NOT NULL,
    looked_at INTEGER NOT NULL,
    note_before INTEGER NOT NULL,
    earliest INTEGER,
    told INTEGER
  ) STRICT;
  `,
  `
  -- Bytes of small blobs: a file for each would take longer to make than to fill. They go with the row of the blob.
  CREATE TABLE small_blob (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE REFERENCES blob (digest) ON DELETE CASCADE,
    bytes BLOB NOT NULL
  ) STRICT;

  -- Whether bytes of a session may be in a file: 0 for one that has brought nothing yet.
  ALTER TABLE upload_session ADD COLUMN has_file INTEGER NOT NULL DEFAULT 1;
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

/** The version that a database is at; 0 for an empty one. */
export function schemaVersionOf(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()!.user_version);
}
