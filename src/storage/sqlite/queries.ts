/**
 * Every SELECT that a request can cause, by name, so that a test can look at the plan of each.
 * Sub-selects, CROSS JOIN and INDEXED BY fix the plans: statistics of another day's data must not turn one into a walk
 * through a table.
 */

/** Id of the repository that the first parameter names. */
const REPOSITORY = "(SELECT id FROM repository WHERE name = ?1)";

/** False for a manifest whose bytes were withdrawn because they are damaged, whatever a memory of good ones may hold. */
const HAS_BYTES = "EXISTS (SELECT 1 FROM content c WHERE c.digest = m.digest AND length(c.bytes) > 0)";

export const QUERIES = {
  dataVersion: "PRAGMA data_version",
  repository: "SELECT id FROM repository WHERE name = ?1",
  manifestByTag: `
    SELECT m.digest, m.media_type FROM tag t
    CROSS JOIN manifest m ON m.repository = t.repository AND m.digest = t.digest
    WHERE t.repository = ${REPOSITORY} AND t.name = ?2 AND ${HAS_BYTES}`,
  manifestByDigest: `
    SELECT digest, media_type FROM manifest m
    WHERE repository = ${REPOSITORY} AND digest = ?2 AND ${HAS_BYTES}`,
  content: "SELECT bytes FROM content WHERE digest = ?1",
  blob: `
    SELECT b.size, b.file, h.announced_at FROM hold h
    CROSS JOIN blob b ON b.digest = h.digest
    WHERE h.repository = ${REPOSITORY} AND h.digest = ?2`,
  manifestsWith: `
    SELECT DISTINCT manifest AS name FROM manifest_reference INDEXED BY manifest_reference_by_target
    WHERE repository = ${REPOSITORY} AND digest = ?2 LIMIT ?3`,
  // Names and not ids decide the order, so the holders of one blob are sorted: the 1,000 oldest, if there are more.
  holders: `
    SELECT name FROM (
      SELECT (SELECT name FROM repository WHERE id = hold.repository) AS name FROM hold
      WHERE digest = ?1 ORDER BY repository LIMIT 1000
    ) ORDER BY name LIMIT ?2`,
  tags: `
    SELECT name FROM tag WHERE repository = ${REPOSITORY} AND name > ?2 ORDER BY name LIMIT ?3`,
  tagsOf: `
    SELECT name FROM tag INDEXED BY tag_by_digest
    WHERE repository = ${REPOSITORY} AND digest = ?2 AND name > ?3 ORDER BY name LIMIT ?4`,
  usage: `
    SELECT blob_bytes, manifest_bytes, blobs, manifests, tags FROM repository WHERE name = ?1`,
  tagHistory: `
    SELECT id, digest, previous, at, EXISTS (
      SELECT 1 FROM manifest m WHERE m.repository = h.repository AND m.digest = h.previous
    ) AS previous_exists FROM tag_history h
    WHERE repository = ${REPOSITORY} AND tag = ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4`,
  repositories: `
    SELECT r.name FROM repository r
    WHERE r.name > ?1 AND EXISTS (SELECT 1 FROM manifest m WHERE m.repository = r.id)
    ORDER BY r.name LIMIT ?2`,
  referrers: `
    SELECT digest, media_type, size, artifact_type, annotations FROM manifest INDEXED BY manifest_by_subject
    WHERE repository = ${REPOSITORY} AND subject = ?2 AND digest > ?3 ORDER BY digest LIMIT ?4`,
  referrersOfType: `
    SELECT digest, media_type, size, artifact_type, annotations
    FROM manifest INDEXED BY manifest_by_subject_and_type
    WHERE repository = ${REPOSITORY} AND subject = ?2 AND artifact_type = ?5 AND digest > ?3
    ORDER BY digest LIMIT ?4`,
  upload:
    "SELECT algorithm, started_at, owner, has_file FROM upload_session WHERE repository = ?1 AND id = ?2",
  uploads: `
    SELECT id, repository, algorithm, started_at, owner, has_file FROM upload_session
    WHERE id > ?1 AND started_at < ?2 ORDER BY id LIMIT ?3`,
} as const;

export type QueryName = keyof typeof QUERIES;
