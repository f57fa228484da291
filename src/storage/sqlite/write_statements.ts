/** The writer's statements, prepared once. "take" means delete and give back what was there. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { GARBAGE_WRITES } from "./garbage_queries.ts";

export const WRITE_SQL = {
  repository: "SELECT id FROM repository WHERE name = ?",
  insertRepository: "INSERT INTO repository (name, created_at) VALUES (?, ?) RETURNING id",

  moveTotal: "UPDATE total SET uploads = uploads + ? WHERE id = 1",
  insertUpload: `
    INSERT INTO upload_session (id, repository, algorithm, started_at, owner, has_file) VALUES (?, ?, ?, ?, ?, ?)`,
  noteUploadFile: "UPDATE upload_session SET has_file = 1 WHERE id = ? AND repository = ? RETURNING id",
  upload: "SELECT started_at, has_file FROM upload_session WHERE id = ? AND repository = ?",
  takeUpload: "DELETE FROM upload_session WHERE id = ? AND repository = ? RETURNING started_at",

  blob: "SELECT file, created_at FROM blob WHERE digest = ?",
  putBlob: `
    INSERT INTO blob (digest, size, file, created_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (digest) DO UPDATE SET size = excluded.size, file = excluded.file, created_at = excluded.created_at`,
  // A push of bytes that were damaged on the disk heals them.
  putSmallBlob: `
    INSERT INTO small_blob (digest, bytes) VALUES (?, ?)
    ON CONFLICT (digest) DO UPDATE SET bytes = excluded.bytes`,
  deleteSmallBlob: "DELETE FROM small_blob WHERE digest = ?",
  takeUnheldBlob: `
    DELETE FROM blob WHERE digest = ? AND NOT EXISTS (SELECT 1 FROM hold WHERE hold.digest = ?) RETURNING size, file`,

  // Created at no time, so that an upload which is under way replaces it, however long ago that began.
  withdrawBlob: "UPDATE blob SET file = ?, created_at = 0 WHERE digest = ? AND file = ? RETURNING digest",

  heldBlob: `
    SELECT b.size, b.file FROM hold h JOIN blob b ON b.digest = h.digest WHERE h.repository = ? AND h.digest = ?`,
  putHold: `
    INSERT INTO hold (repository, digest, announced_at) VALUES (?, ?, ?)
    ON CONFLICT (repository, digest) DO UPDATE SET announced_at = max(announced_at, excluded.announced_at)`,
  announce: `
    UPDATE hold SET announced_at = max(announced_at, ?) WHERE repository = ? AND digest = ?`,
  deleteHold: "DELETE FROM hold WHERE repository = ? AND digest = ?",

  // Heals damaged bytes as well.
  putContent: `
    INSERT INTO content (digest, bytes) VALUES (?, ?)
    ON CONFLICT (digest) DO UPDATE SET bytes = excluded.bytes WHERE bytes <> excluded.bytes`,
  withdrawContent: "UPDATE content SET bytes = x'' WHERE digest = ? AND bytes = ? RETURNING id",
  deleteUnusedContent: `
    DELETE FROM content WHERE digest = ? AND NOT EXISTS (SELECT 1 FROM manifest WHERE manifest.digest = ?)`,
  putManifest: `
    INSERT INTO manifest
      (repository, digest, media_type, size, subject, artifact_type, annotations, pushed_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (repository, digest) DO UPDATE SET
      media_type = excluded.media_type, subject = excluded.subject, artifact_type = excluded.artifact_type,
      annotations = excluded.annotations, pushed_at = excluded.pushed_at`,
  takeManifest: "DELETE FROM manifest WHERE repository = ? AND digest = ? RETURNING id",

  // All at once: for many, most of the time would go into calls.
  putReferences: `
    INSERT INTO manifest_reference (repository, manifest, kind, digest)
    SELECT ?1, ?2, ?3, value FROM json_each(?4)`,
  deleteReferences: "DELETE FROM manifest_reference WHERE repository = ? AND manifest = ?",
  referenceToBlob: `
    SELECT manifest FROM manifest_reference WHERE repository = ? AND digest = ? LIMIT 1`,

  tag: "SELECT digest FROM tag WHERE repository = ? AND name = ?",
  putTag: `
    INSERT INTO tag (repository, name, digest, pushed_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (repository, name) DO UPDATE SET digest = excluded.digest, pushed_at = excluded.pushed_at`,
  takeTag: "DELETE FROM tag WHERE repository = ? AND name = ? RETURNING digest",
  // Left to itself, SQLite walks through all tags of the repository.
  tagsOf: "SELECT name FROM tag INDEXED BY tag_by_digest WHERE repository = ? AND digest = ?",
  takeTagsOf: "DELETE FROM tag INDEXED BY tag_by_digest WHERE repository = ? AND digest = ? RETURNING name",
  usage: "SELECT blob_bytes + manifest_bytes AS bytes, manifests, tags FROM repository WHERE id = ?",
  manifest: "SELECT 1 FROM manifest WHERE repository = ? AND digest = ?",
  namedBefore: `
    SELECT 1 FROM tag_history WHERE repository = ?1 AND tag = ?2 AND (digest = ?3 OR previous = ?3)
    ORDER BY id DESC LIMIT 1`,
  pruneHistory: `
    DELETE FROM tag_history WHERE id IN (SELECT id FROM tag_history WHERE at < ? ORDER BY at LIMIT ?)`,
  notePullOfTag: `
    UPDATE tag SET pulled_at = max(coalesce(pulled_at, 0), ?3), pull_count = pull_count + 1
    WHERE repository = ?1 AND name = ?2`,
  notePullOfManifest: `
    UPDATE manifest SET pulled_at = max(coalesce(pulled_at, 0), ?3), pull_count = pull_count + 1
    WHERE repository = ?1 AND digest = ?2`,
  putPull: `
    INSERT INTO pull (repository, digest, tag, client, at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (repository, digest, tag, client) DO UPDATE SET at = max(at, excluded.at)`,
  // Of each tag and manifest the last 100 clients are known, or somebody with many addresses could fill the disk.
  forgetOldPulls: `
    DELETE FROM pull INDEXED BY pull_by_age WHERE repository = ?1 AND digest = ?2 AND tag = ?3 AND at < (
      SELECT at FROM pull INDEXED BY pull_by_age WHERE repository = ?1 AND digest = ?2 AND tag = ?3
      ORDER BY at DESC LIMIT 1 OFFSET 99
    )`,
  prunePulls: `
    DELETE FROM pull WHERE (repository, digest, tag, client) IN (
      SELECT repository, digest, tag, client FROM pull WHERE at < ? ORDER BY at LIMIT ?
    )`,
  takeTagAsItWas: `
    DELETE FROM tag WHERE repository = ?1 AND name = ?2 AND digest = ?3 AND pushed_at = ?4
      AND (?5 IS NULL OR pull_count = ?5) RETURNING name`,
  manifestFacts: "SELECT pushed_at, pulled_at, subject FROM manifest WHERE repository = ? AND digest = ?",
  restorable: `
    SELECT 1 FROM tag_history INDEXED BY tag_history_by_previous
    WHERE repository = ? AND previous = ? AND at >= ? LIMIT 1`,
  parents: `
    SELECT manifest FROM manifest_reference INDEXED BY manifest_reference_by_target
    WHERE repository = ? AND digest = ? AND kind = 'child'`,
  referrersOf:
    "SELECT digest FROM manifest INDEXED BY manifest_by_subject WHERE repository = ? AND subject = ?",
  putHistory: "INSERT INTO tag_history (repository, tag, digest, previous, at) VALUES (?, ?, ?, ?, ?)",
  ...GARBAGE_WRITES,
} as const;

export type WriteStatements = Record<keyof typeof WRITE_SQL, StatementSync>;

export function prepareWriteStatements(database: DatabaseSync): WriteStatements {
  const statements = {} as WriteStatements;
  for (const [name, sql] of Object.entries(WRITE_SQL)) {
    statements[name as keyof typeof WRITE_SQL] = database.prepare(sql);
  }
  return statements;
}
