/**
 * Every SELECT of the collection, by name, so that a test can look at the plan of each; as in `queries.ts`.
 * A walk has two statements: `...End` finds the key a page of rows further on, the other one what is garbage up to it. So
 * a page takes a bounded time also where there is none.
 */

const REPOSITORY = "(SELECT id FROM repository WHERE name = ?1)";

/** Nothing in the repository of `outer` references it. */
const unreferenced = (outer: string): string => `
  NOT EXISTS (SELECT 1 FROM manifest_reference f INDEXED BY manifest_reference_by_target
    WHERE f.repository = ${outer}.repository AND f.digest = ${outer}.digest)`;

const isChild = (outer: string): string => `
  EXISTS (SELECT 1 FROM manifest_reference f INDEXED BY manifest_reference_by_target
    WHERE f.repository = ${outer}.repository AND f.digest = ${outer}.digest AND f.kind = 'child')`;

/** No tag names it, or named it since `since`. */
const untagged = (outer: string, since: string): string => `
  NOT EXISTS (SELECT 1 FROM tag t INDEXED BY tag_by_digest
    WHERE t.repository = ${outer}.repository AND t.digest = ${outer}.digest)
  AND NOT EXISTS (SELECT 1 FROM tag_history h INDEXED BY tag_history_by_previous
    WHERE h.repository = ${outer}.repository AND h.previous = ${outer}.digest AND h.at >= ${since})`;

const withoutSubject = (outer: string): string => `
  NOT EXISTS (SELECT 1 FROM manifest s WHERE s.repository = ${outer}.repository AND s.digest = ${outer}.subject)`;

/** Nobody has deleted its subject since `since`. */
const subjectStaysAway = (outer: string, since: string): string => `
  NOT EXISTS (SELECT 1 FROM gone_subject g
    WHERE g.repository = ${outer}.repository AND g.digest = ${outer}.subject AND g.at >= ${since})`;

const unheld = (outer: string): string =>
  `NOT EXISTS (SELECT 1 FROM hold d WHERE d.digest = ${outer}.digest)`;

const usedAt = (outer: string): string => `max(${outer}.pushed_at, coalesce(${outer}.pulled_at, 0))`;

/** Holds nothing but so many manifests and blobs. Pulls on record count for nothing. */
const holdsOnly = (manifests: string, blobs: string): string => `
  r.manifests <= ${manifests} AND r.blobs <= ${blobs}
  AND NOT EXISTS (SELECT 1 FROM tag t WHERE t.repository = r.id)
  AND NOT EXISTS (SELECT 1 FROM tag_history h WHERE h.repository = r.id)
  AND NOT EXISTS (SELECT 1 FROM upload_session u WHERE u.repository = r.name)`;

const ORPHAN = `
  m.repository AS id, (SELECT name FROM repository WHERE id = m.repository) AS name, m.digest, m.subject, m.size,
  ${usedAt("m")} AS used_at, ${isChild("m")} AS is_child`;

const HOLD = `
  h.repository AS id, (SELECT name FROM repository WHERE id = h.repository) AS name, h.digest,
  (SELECT size FROM blob WHERE digest = h.digest) AS size, h.announced_at`;

export const GARBAGE_QUERIES = {
  orphansEnd: `
    SELECT repository, subject, digest FROM manifest INDEXED BY manifest_by_subject
    WHERE subject IS NOT NULL AND (repository, subject, digest) > (?1, ?2, ?3)
    ORDER BY repository, subject, digest LIMIT 1 OFFSET ?4`,
  orphans: `
    SELECT ${ORPHAN} FROM manifest m INDEXED BY manifest_by_subject
    WHERE m.subject IS NOT NULL AND (m.repository, m.subject, m.digest) > (?1, ?2, ?3)
      AND (m.repository, m.subject, m.digest) <= (?4, ?5, ?6)
      AND ${usedAt("m")} < ?7 AND ${withoutSubject("m")} AND ${subjectStaysAway("m", "?7")}
      AND ${untagged("m", "?8")}`,
  orphansOf: `
    SELECT ${ORPHAN} FROM manifest m INDEXED BY manifest_by_subject
    WHERE m.repository = ${REPOSITORY} AND m.subject = ?2 AND ${usedAt("m")} < ?3 AND ${untagged("m", "?4")}
    LIMIT 1000`,
  holdsEnd: `
    SELECT repository, digest FROM hold
    WHERE (repository, digest) > (?1, ?2) ORDER BY repository, digest LIMIT 1 OFFSET ?3`,
  holds: `
    SELECT ${HOLD} FROM hold h
    WHERE (h.repository, h.digest) > (?1, ?2) AND (h.repository, h.digest) <= (?3, ?4)
      AND h.announced_at < ?5 AND ${unreferenced("h")}`,
  holdsOfEnd: `
    SELECT digest FROM hold WHERE repository = ${REPOSITORY} AND digest > ?2 ORDER BY digest LIMIT 1 OFFSET ?3`,
  holdsOf: `
    SELECT ${HOLD} FROM hold h
    WHERE h.repository = ${REPOSITORY} AND h.digest > ?2 AND h.digest <= ?3
      AND h.announced_at >= ?4 AND h.announced_at < ?5 AND ${unreferenced("h")}`,
  holdsBelow: `
    SELECT ${HOLD} FROM manifest_reference f
    CROSS JOIN hold h ON h.repository = f.repository AND h.digest = f.digest
    WHERE f.repository = ${REPOSITORY} AND f.manifest = ?2 AND h.announced_at < ?3`,
  referencing: `
    SELECT manifest FROM manifest_reference INDEXED BY manifest_reference_by_target
    WHERE repository = ${REPOSITORY} AND digest = ?2 LIMIT 1000`,
  blobsEnd: "SELECT digest FROM blob WHERE digest > ?1 ORDER BY digest LIMIT 1 OFFSET ?2",
  blobs: `
    SELECT b.digest, b.size, b.created_at FROM blob b
    WHERE b.digest > ?1 AND b.digest <= ?2 AND b.created_at < ?3 AND ${unheld("b")}`,
  contentsEnd: "SELECT digest FROM content WHERE digest > ?1 ORDER BY digest LIMIT 1 OFFSET ?2",
  contents: `
    SELECT c.digest, length(c.bytes) AS size FROM content c
    WHERE c.digest > ?1 AND c.digest <= ?2
      AND NOT EXISTS (SELECT 1 FROM manifest m INDEXED BY manifest_by_digest WHERE m.digest = c.digest)`,
  repositoriesEnd: "SELECT name FROM repository WHERE name > ?1 ORDER BY name LIMIT 1 OFFSET ?2",
  // The index that UNIQUE makes for the names.
  repositories: `
    SELECT r.name, r.created_at FROM repository r INDEXED BY sqlite_autoindex_repository_1
    WHERE r.name > ?1 AND r.name <= ?2 AND r.created_at < ?3 AND ${holdsOnly("0", "0")}`,
  record: `
    SELECT record, min(looked_at, coalesce(earliest, looked_at), coalesce(told, looked_at)) AS earliest
    FROM collect_record WHERE id = 1`,
  almostEmpty: `
    SELECT r.name, r.created_at FROM repository r
    WHERE r.name = ?1 AND r.created_at < ?2 AND ${holdsOnly("?3", "?4")}`,
} as const;

/** The writer's side: each takes its object only if it is garbage at that moment, and gives back what it was. */
export const GARBAGE_WRITES = {
  takeOrphan: `
    DELETE FROM manifest WHERE repository = ?1 AND digest = ?2
      AND subject IS NOT NULL AND ${usedAt("manifest")} < ?3 AND ${withoutSubject("manifest")}
      AND ${subjectStaysAway("manifest", "?3")}
      AND ${untagged("manifest", "?4")} AND NOT ${isChild("manifest")} RETURNING id`,
  takeUnusedHold: `
    DELETE FROM hold WHERE repository = ?1 AND digest = ?2
      AND announced_at < ?3 AND ${unreferenced("hold")} RETURNING digest`,
  takeOldUnheldBlob: `
    DELETE FROM blob WHERE digest = ?1 AND created_at < ?2 AND ${
    unheld("blob")
  } RETURNING digest, size, file`,
  takeUnusedContent: `
    DELETE FROM content WHERE digest = ?1
      AND NOT EXISTS (SELECT 1 FROM manifest m INDEXED BY manifest_by_digest WHERE m.digest = ?1) RETURNING digest`,
  emptyRepository: `
    SELECT r.id FROM repository r WHERE r.name = ?1 AND r.created_at < ?2 AND ${holdsOnly("0", "0")}`,
  deletePullsOf: `
    DELETE FROM pull WHERE (repository, digest, tag, client) IN (
      SELECT repository, digest, tag, client FROM pull WHERE repository = ?1 LIMIT ?2
    )`,
  deleteRepository: "DELETE FROM repository WHERE id = ?",
  putGoneSubject: `
    INSERT INTO gone_subject (repository, digest, at) SELECT ?1, ?2, ?3 WHERE EXISTS (
      SELECT 1 FROM manifest INDEXED BY manifest_by_subject WHERE repository = ?1 AND subject = ?2
    ) ON CONFLICT (repository, digest) DO UPDATE SET at = max(at, excluded.at)`,
  forgetGoneSubjects: `
    DELETE FROM gone_subject WHERE (repository, digest) IN (
      SELECT repository, digest FROM gone_subject WHERE at < ? ORDER BY at LIMIT ?
    )`,
  noteBefore: "SELECT note_before FROM collect_record WHERE id = 1",
  noteTime: "UPDATE collect_record SET earliest = min(coalesce(earliest, ?1), ?1) WHERE id = 1",
  // What was left beside the record before stays until this one's writer has heard of it.
  writeCollectRecord: `
    INSERT INTO collect_record (id, record, looked_at, note_before) VALUES (1, ?1, ?2, ?3)
    ON CONFLICT (id) DO UPDATE SET record = excluded.record, looked_at = excluded.looked_at,
      note_before = excluded.note_before, told = earliest, earliest = NULL
    RETURNING told`,
} as const;
